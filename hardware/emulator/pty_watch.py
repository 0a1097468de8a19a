"""Counts the clients of a device file with inotify."""

import ctypes
import os
import struct

from sim2real.hardware.errors import HardwareError

_IN_CLOSE_WRITE, _IN_CLOSE_NOWRITE, _IN_OPEN, _IN_Q_OVERFLOW = 0x8, 0x10, 0x20, 0x4000  # linux/inotify.h
_CLOSE = _IN_CLOSE_WRITE | _IN_CLOSE_NOWRITE
_EVENT = struct.Struct("=iIII")  # watch, mask, cookie, length of the name: 0 when a file is watched
_READ_MAX = 256 * _EVENT.size


class OpenWatch:
    """Counts the clients that open a device file from now on; earlier clients are not counted."""

    def __init__(self, path: str) -> None:
        """Start watching. Raises HardwareError if the system allows no further watch."""
        self._libc = ctypes.CDLL(None, use_errno=True)
        self.descriptor: int = self._libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        if self.descriptor < 0:
            raise HardwareError(f"{path}: cannot be watched: {os.strerror(ctypes.get_errno())}")
        if self._libc.inotify_add_watch(self.descriptor, os.fsencode(path), _IN_OPEN | _CLOSE) < 0:
            reason = os.strerror(ctypes.get_errno())
            self.close()
            raise HardwareError(f"{path}: cannot be watched: {reason}")
        self.clients = 0

    def all_left(self) -> bool:
        """Process pending events; return whether the last client has closed the file since the last call."""
        left = False
        while events := self._read():
            for _, mask, _, _ in _EVENT.iter_unpack(events):
                if mask & _IN_OPEN:
                    self.clients += 1
                elif mask & (_CLOSE | _IN_Q_OVERFLOW):
                    self.clients = max(0, self.clients - 1) if mask & _CLOSE else 0
                    left = left or self.clients == 0
        return left

    def close(self) -> None:
        """Stop watching."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1

    def _read(self) -> bytes:
        try:
            return os.read(self.descriptor, _READ_MAX)
        except BlockingIOError:
            return b""
