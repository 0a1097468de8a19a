"""One pseudo-terminal that stands for the serial port of a bus."""

import contextlib
import fcntl
import os
import struct
import termios
import tty
from pathlib import Path

from hardware.emulator.line import Line

_READ_MAX = 4096  # the kernel's buffer of a pseudo-terminal
_TCGETS2 = 0x802C542A  # asm-generic/ioctls.h; unlike TCGETS it gives any speed as a number
_TERMIOS2_BYTES = 44
_TERMIOS2_OSPEED = 40


class PtyPort:
    """A pseudo-terminal behind a symbolic link whose path stays the same, also when the adapter is pulled and put back.

    While no client is there, the port holds its own slave end open: the master then waits for bytes like any
    descriptor, where it would otherwise report a hang-up without end. The first bytes show that a client has come, the
    slave end is closed, and the next hang-up shows that it has left.
    """

    def __init__(self, line: Line, link: Path) -> None:
        self.line = line
        self.link = link
        self.master = -1
        self._keeper = -1
        self._slave_path = ""
        self.dropped = 0
        """Bytes that no client fetched."""
        self.open()

    @property
    def is_open(self) -> bool:
        """Whether the adapter is in."""
        return self.master >= 0

    def open(self) -> None:
        """Make a new pseudo-terminal and let the link point at it."""
        self.master, self._keeper = os.openpty()
        os.set_blocking(self.master, False)
        tty.setraw(self._keeper)
        fresh = self.link.with_suffix(".new")
        self._slave_path = os.ttyname(self._keeper)
        fresh.symlink_to(self._slave_path)
        fresh.replace(self.link)  # in one step, so that no client finds no port

    def close(self) -> None:
        """Take the pseudo-terminal away from under its client, and the link too. Never raises."""
        for descriptor in (self.master, self._keeper):
            if descriptor >= 0:
                os.close(descriptor)
        self.master = self._keeper = -1
        self.link.unlink(missing_ok=True)

    def receive(self, now_ns: int) -> None:
        """Put on the line what the client has sent, at the speed that it has set."""
        try:
            data = os.read(self.master, _READ_MAX)
        except BlockingIOError:
            return
        except OSError:  # EIO: the client has closed its end
            data = b""
        if not data:
            self._client_left()
            return
        self._drop_keeper()
        self._follow_baudrate()
        if self.line.baudrate > 0:  # speed 0 is the hung-up line of termios
            self.line.send(now_ns, data)

    def deliver(self, now_ns: int) -> None:
        """Give the client what has arrived by now."""
        while data := self.line.take(now_ns):
            # A client that came back at another speed reads what that makes of the bytes.
            if self._keeper >= 0:
                self.dropped += len(data)
                continue
            try:
                sent = os.write(self.master, data)
            except OSError:  # full, or the client has just left
                sent = 0
            self.dropped += len(data) - sent

    def _follow_baudrate(self) -> None:
        state = fcntl.ioctl(self.master, _TCGETS2, bytes(_TERMIOS2_BYTES))
        baudrate: int = struct.unpack_from("=I", state, _TERMIOS2_OSPEED)[0]
        self.line.set_baudrate(baudrate)

    def _drop_keeper(self) -> None:
        if self._keeper >= 0:
            os.close(self._keeper)
            self._keeper = -1

    def _client_left(self) -> None:
        """Forget its half frame, and what it did not read."""
        self.line.hang_up()
        if self._keeper >= 0:
            return
        with contextlib.suppress(OSError):  # EBUSY: the next client is there already, and wants the port for itself
            self._keeper = os.open(self._slave_path, os.O_RDWR | os.O_NOCTTY)
            tty.setraw(self._keeper)
            termios.tcflush(self._keeper, termios.TCIFLUSH)
