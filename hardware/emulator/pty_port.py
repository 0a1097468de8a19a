"""One pseudo-terminal that takes the place of a serial port."""

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
_TCGETS2 = 0x802C542A  # asm-generic/ioctls.h; unlike TCGETS, returns any baud rate as a number
_TERMIOS2_BYTES = 44
_TERMIOS2_OSPEED = 40


class PtyPort:
    """A pseudo-terminal behind a symbolic link, whose path is unchanged when the adapter is unplugged and replugged.

    The port keeps its own slave end open. Otherwise the master would permanently report a hang-up while there is no
    client. Watching the device file shows when a client closes it.
    """

    def __init__(self, line: Port, link: Path) -> None:
        self.line = line
        self.link = link
        self.master = -1
        self._slave = -1
        self._watch: OpenWatch | None = None
        self.dropped = 0
        """Number of bytes that no client fetched."""
        self.open()

    @property
    def is_open(self) -> bool:
        """Whether the adapter is plugged in."""
        return self.master >= 0

    @property
    def descriptors(self) -> tuple[int, ...]:
        """File descriptors to wait for; call `receive` when one is readable."""
        if self._watch is None:
            return ()
        # The bytes of a blocked port stay in the kernel's buffer.
        return (self._watch.descriptor,) if self.line.blocked else (self.master, self._watch.descriptor)

    def open(self) -> None:
        """Create a new pseudo-terminal and point the link at it. Raises HardwareError if it cannot be watched."""
        self.master, self._slave = os.openpty()
        os.set_blocking(self.master, False)
        tty.setraw(self._slave)
        path = os.ttyname(self._slave)
        self._watch = OpenWatch(path)
        fresh = self.link.with_suffix(".new")
        fresh.symlink_to(path)
        fresh.replace(self.link)  # atomic, so that the path always exists

    def close(self) -> None:
        """Remove the pseudo-terminal and the link, even while a client has it open. Never raises."""
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
        """Pass bytes from the client to the line, at the baud rate that the client has set."""
        try:
            data = b"" if self.line.blocked else os.read(self.master, _READ_MAX)
        except BlockingIOError:
            data = b""
        left = self._watch is not None and self._watch.all_left()
        if left and self._has_client:  # another one has opened it already: the bytes are from this one
            self._reset_port()
        listening = self.line.streams and self._has_client  # perhaps at another baud rate, without sending
        if (data or listening) and self._follow_baudrate() and data:
            self.line.send(now_ns, data)
        if left and not self._has_client:  # what it sent last still reaches the motors; nobody gets their replies
            self._reset_port()

    def _follow_baudrate(self) -> bool:
        """Let the line have the baud rate that the client has set; return whether there is one."""
        state = fcntl.ioctl(self.master, _TCGETS2, bytes(_TERMIOS2_BYTES))
        baudrate: int = struct.unpack_from("=I", state, _TERMIOS2_OSPEED)[0]
        if baudrate > 0:  # baud rate 0 means hang-up in termios
            self.line.set_baudrate(baudrate)
        return baudrate > 0

    def deliver(self, now_ns: int) -> None:
        """Pass bytes that have arrived by `now_ns` to the client."""
        while data := self.line.take(now_ns):
            if self.line.streams and not self._has_client:
                continue  # a serial port keeps no bytes for a later client
            try:
                sent = os.write(self.master, data)
            except BlockingIOError:  # the client does not read and the kernel's buffer is full
                sent = 0
            self.dropped += len(data) - sent

    @property
    def _has_client(self) -> bool:
        return self._watch is not None and self._watch.clients > 0

    def _reset_port(self) -> None:
        """Discard unread bytes and release exclusive mode, as a real port does at the last close."""
        self.line.hang_up()
        termios.tcflush(self._slave, termios.TCIFLUSH)
        fcntl.ioctl(self._slave, termios.TIOCNXCL)
