"""One pseudo-terminal that stands for the serial port of a bus."""

import contextlib
import fcntl
import os
import struct
import termios
import tty
from pathlib import Path

from sim2real.hardware.emulator.port import Port
from sim2real.hardware.emulator.pty_watch import OpenWatch

_READ_MAX = 4096  # the kernel's buffer of a pseudo-terminal
_TCGETS2 = 0x802C542A  # asm-generic/ioctls.h; unlike TCGETS it gives any speed as a number
_TERMIOS2_BYTES = 44
_TERMIOS2_OSPEED = 40


class PtyPort:
    """A pseudo-terminal behind a symbolic link whose path stays the same, also when the adapter is pulled and put back.

    The port holds its own slave end open, so that the master waits for bytes like any descriptor: without a client it
    would otherwise report a hang-up without end. That a client has left is seen by watching the device file.
    """

    def __init__(self, line: Port, link: Path) -> None:
        self.line = line
        self.link = link
        self.master = -1
        self._slave = -1
        self._watch: OpenWatch | None = None
        self.dropped = 0
        """Bytes that no client fetched."""
        self.open()

    @property
    def is_open(self) -> bool:
        """Whether the adapter is in."""
        return self.master >= 0

    @property
    def descriptors(self) -> tuple[int, ...]:
        """What to wait for; when one is readable, `receive` is to be called."""
        return () if self._watch is None else (self.master, self._watch.descriptor)

    def open(self) -> None:
        """Make a new pseudo-terminal and let the link point at it. Raises HardwareError if it cannot be watched."""
        self.master, self._slave = os.openpty()
        os.set_blocking(self.master, False)
        tty.setraw(self._slave)
        path = os.ttyname(self._slave)
        self._watch = OpenWatch(path)
        fresh = self.link.with_suffix(".new")
        fresh.symlink_to(path)
        fresh.replace(self.link)  # in one step, so that no client finds no port

    def close(self) -> None:
        """Take the pseudo-terminal away from under its client, and the link too. Never raises."""
        for descriptor in (self.master, self._slave):
            if descriptor >= 0:
                os.close(descriptor)
        self.master = self._slave = -1
        if self._watch is not None:
            self._watch.close()
            self._watch = None
        with contextlib.suppress(OSError):
            self.link.unlink(missing_ok=True)

    def receive(self, now_ns: int) -> None:
        """Put on the line what clients have sent, at the speed that they have set."""
        try:
            data = os.read(self.master, _READ_MAX)
        except BlockingIOError:
            data = b""
        # In this order: no reply to these bytes is out, so what is thrown away here was for a client before.
        if self._watch is not None and self._watch.all_left():
            self._clear_up()
        if data:
            state = fcntl.ioctl(self.master, _TCGETS2, bytes(_TERMIOS2_BYTES))
            baudrate: int = struct.unpack_from("=I", state, _TERMIOS2_OSPEED)[0]
            if baudrate > 0:  # speed 0 is the hung-up line of termios
                self.line.set_baudrate(baudrate)
                self.line.send(now_ns, data)

    def deliver(self, now_ns: int) -> None:
        """Give the client what has arrived by now."""
        while data := self.line.take(now_ns):
            if self.line.streams and not self._has_client:
                continue  # a serial port keeps nothing for a client that is yet to come
            try:
                sent = os.write(self.master, data)
            except BlockingIOError:  # the client does not read, and the kernel's buffer is full
                sent = 0
            self.dropped += len(data) - sent

    @property
    def _has_client(self) -> bool:
        return self._watch is not None and self._watch.clients > 0

    def _clear_up(self) -> None:
        """Forget what the last client did not read, and that it had the port for itself, as a last close does."""
        self.line.hang_up()
        termios.tcflush(self._slave, termios.TCIFLUSH)
        fcntl.ioctl(self._slave, termios.TIOCNXCL)
