"""A serial port as a transport: pyserial opens and configures it; reads and writes use the file descriptor directly."""

import contextlib
import errno
import os
import select
import termios
from collections.abc import Sequence
from pathlib import Path

import serial

from sim2real.hardware.clock import NS_PER_S, Clock
from sim2real.hardware.errors import HardwareError, PortLostError
from sim2real.hardware.supervisor.process import SupervisorProcess
from sim2real.hardware.supervisor.supervisor import Watched

_NS_PER_MS = 1_000_000
_BITS_PER_BYTE = 10  # 8N1
WRITE_STALL_NS_MAX = NS_PER_S // 50
"""Longest wait until the kernel has taken all bytes, besides twice their time on the wire. Its buffer holds dozens of
frames: when it is full, nothing has left for many ticks."""


class SerialPort:
    """Half-duplex serial port, 8N1, opened for exclusive use.

    pyserial's own read and write take three to four times as long as the system calls used here, which matters at one
    tick per millisecond.
    """

    def __init__(self, path: str, baudrate: int, clock: Clock) -> None:
        """Open the port.

        Args:
            path: Device path, for example /dev/ttyUSB0, or the client end of a pseudo-terminal.
            baudrate: bit/s
            clock: Clock of all deadlines; must be the machine's monotonic clock, because the system does the waiting.

        Raises:
            HardwareError: The port is missing, busy, not permitted, or does not support this baud rate.
        """
        self.path = path
        self._clock = clock
        self._closed = self._gone = False
        self._baudrate = baudrate
        self._use(_open(path, baudrate))

    @property
    def latency_timer_ms(self) -> int | None:
        """Time the USB adapter waits before it forwards a partly filled packet; None if there is no such setting."""
        name = Path(os.path.realpath(self.path)).name
        try:
            text = Path(f"/sys/bus/usb-serial/devices/{name}/latency_timer").read_text(encoding="ascii")
            return int(text)
        except (OSError, ValueError):
            return None

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send all bytes. Raises PortLostError if the port vanished."""
        if not self._usable:
            self._check_open()
        try:
            sent = os.write(self._fd, data)
        except OSError:
            sent = self._write_some(data)  # distinguishes a full buffer from a vanished port
        if sent == len(data):
            return
        rest = memoryview(data)[sent:]
        wire_ns = len(rest) * _BITS_PER_BYTE * NS_PER_S // self._baudrate
        deadline_ns = self._clock.now_ns() + WRITE_STALL_NS_MAX + 2 * wire_ns
        while rest:
            remaining_ms = (deadline_ns - self._clock.now_ns()) // _NS_PER_MS
            if remaining_ms <= 0:
                raise PortLostError(f"port {self.path} takes no data")
            self._writable.poll(remaining_ms)
            rest = rest[self._write_some(rest) :]

    def write_now(self, data: bytes) -> bool:
        """Send without waiting; return whether all bytes were taken. If not, what waited before them is discarded.

        Raises:
            PortLostError: The port vanished.
        """
        self._check_open()
        if self._write_some(data) == len(data):
            return True
        try:
            termios.tcflush(self._fd, termios.TCOFLUSH)
        except termios.error as error:
            raise self._lost(OSError(*error.args)) from error
        return self._write_some(data) == len(data)

    def reopen(self) -> None:
        """Open the port again, for example after its adapter was plugged in again. Raises PortLostError if it is gone.

        Does nothing while the port works.
        """
        if self._closed:
            raise PortLostError(f"port {self.path} is closed")
        try:
            self.drain()
        except PortLostError:
            self._gone, self._usable = True, False  # the number of its descriptor may soon be another file's
            with contextlib.suppress(OSError, termios.error):
                self._serial.close()
            try:
                self._use(_open(self.path, self._baudrate))
            except HardwareError as error:
                raise PortLostError(f"port {self.path} vanished and does not open again: {error}") from error

    def ask(self, frame: bytes) -> None:
        """Discard received bytes and send a request, with as few system calls as possible.

        Raises:
            PortLostError: The port vanished.
        """
        if not self._usable:
            self._check_open()
        try:
            termios.tcflush(self._fd, termios.TCIFLUSH)
            sent = os.write(self._fd, frame)
        except BlockingIOError:
            sent = 0
        except termios.error as error:
            raise self._lost(OSError(*error.args)) from error
        except OSError as error:
            raise self._lost(error) from error
        if sent < len(frame):
            self.write(memoryview(frame)[sent:])

    def collect(self, buffer: memoryview, wanted: int, deadline_ns: int, wait_ms: int) -> int:
        """Do the same as `transport.collect`, with as few system calls as possible.

        Raises:
            PortLostError: The port vanished.
        """
        try:
            if not self._readable.poll(wait_ms):
                return 0
            received = os.readv(self._fd, [buffer])
        except BlockingIOError:
            received = 0  # a just-flushed pseudo-terminal reports readable
        except OSError as error:
            raise self._lost(error) from error
        while received < wanted:
            count = self.read_into(buffer[received:], deadline_ns)
            if count == 0:
                break
            received += count
        return received

    def read_into(self, buffer: memoryview, deadline_ns: int) -> int:
        """Wait for bytes until the deadline; return the number received, 0 at the deadline.

        Raises:
            PortLostError: The port vanished.
        """
        self._check_open()
        while True:
            # Rounded up: poll counts whole milliseconds and must not return before the deadline.
            wait_ms = max(0, -((self._clock.now_ns() - deadline_ns) // _NS_PER_MS))
            if not self._readable.poll(wait_ms):
                return 0
            try:
                count = os.readv(self._fd, [buffer])
            except BlockingIOError:
                if wait_ms == 0:
                    return 0
                continue  # a just-flushed pseudo-terminal reports readable without data
            except OSError as error:
                raise self._lost(error) from error
            if count == 0 and len(buffer):
                raise PortLostError(f"port {self.path} vanished")
            return count

    def drain(self) -> None:
        """Discard received bytes that were not read. Raises PortLostError if the port vanished."""
        self._check_open()
        try:
            termios.tcflush(self._fd, termios.TCIFLUSH)
        except termios.error as error:
            raise self._lost(OSError(*error.args)) from error

    def set_baudrate(self, baudrate: int) -> None:
        """Change the baud rate of the line.

        Raises:
            PortLostError: The port vanished.
            HardwareError: The port does not support this baud rate.
        """
        self.drain()  # detects a vanished port, which pyserial does not distinguish from an unsupported baud rate
        try:
            self._serial.baudrate = baudrate
        except (ValueError, OSError, termios.error) as error:
            raise HardwareError(f"port {self.path} does not support {baudrate} baud") from error
        self._baudrate = baudrate

    def start_supervisor(self, ports: Sequence[Watched], limit_ns: int) -> SupervisorProcess:
        """Start a supervisor process for these ports, which acts when this process dies or does not feed it.

        Raises:
            HardwareError: It did not start.
        """
        watched = [
            (port.transport.fileno(), port.off, port.death) for port in ports if isinstance(port.transport, SerialPort)
        ]
        return SupervisorProcess(watched, limit_ns)

    def fileno(self) -> int:
        """Return the file descriptor. Raises PortLostError if the port is closed."""
        self._check_open()
        return self._fd

    def close(self) -> None:
        """Release the port. Never raises; a second call does nothing."""
        self._closed, self._usable = True, False
        try:
            self._serial.close()
        except (OSError, termios.error):
            return  # the port is already gone

    def _use(self, port: serial.Serial) -> None:
        """Use this open port from now on."""
        self._serial = port
        self._gone, self._usable = False, True
        self._baudrate = port.baudrate
        self._fd: int = port.fileno()
        self._readable = select.poll()
        self._readable.register(self._fd, select.POLLIN)
        self._writable = select.poll()
        self._writable.register(self._fd, select.POLLOUT)
        self.low_latency = self._set_low_latency()

    def _write_some(self, data: bytes | bytearray | memoryview) -> int:
        try:
            return os.write(self._fd, data)
        except BlockingIOError:
            return 0
        except OSError as error:
            raise self._lost(error) from error

    def _check_open(self) -> None:
        if self._closed:
            raise PortLostError(f"port {self.path} is closed")
        if self._gone:
            raise PortLostError(f"port {self.path} vanished")

    def _lost(self, error: OSError) -> PortLostError:
        return PortLostError(f"port {self.path} vanished ({error.strerror or error})")

    def _set_low_latency(self) -> bool:
        """Ask the driver to forward bytes at once; pseudo-terminals and some adapters do not support this."""
        try:
            self._serial.set_low_latency_mode(True)
        except (OSError, ValueError, NotImplementedError):
            return False
        return True


def _open(path: str, baudrate: int) -> serial.Serial:
    try:
        return serial.Serial(path, baudrate, timeout=0, write_timeout=0, exclusive=True)
    except serial.SerialException as error:
        raise HardwareError(_reason(path, error)) from error
    except (ValueError, OSError, termios.error) as error:
        raise HardwareError(f"port {path} cannot be opened at {baudrate} baud: {error}") from error


def _reason(path: str, error: serial.SerialException) -> str:
    """Return one line that says why a port does not open."""
    code = error.errno if isinstance(error.errno, int) else getattr(error.__context__, "errno", None)
    if code in (errno.EBUSY, errno.EWOULDBLOCK) or "lock" in str(error):
        return f"port busy: {path} is open in another program"
    if code == errno.ENOENT:
        found = ", ".join(sorted(str(p) for pattern in ("ttyUSB*", "ttyACM*") for p in Path("/dev").glob(pattern)))
        return f"port {path} does not exist; serial ports here: {found or 'none'}"
    if code == errno.EACCES:
        return f"port {path}: permission denied; add yourself to its group (often `dialout`) and log in again"
    if code == errno.ENOTTY or f"({errno.ENOTTY}," in str(error):
        return f"{path} is not a serial port"
    return f"port {path} cannot be opened: {error}"
