"""A stopwatch that stands still while the wire works, and the transport and clock that stop it."""

from time import perf_counter_ns

from sim2real.hardware.bus.transport import ask, collect
from sim2real.hardware.clock import Clock, VirtualClock
from sim2real.hardware.emulator.lockstep import LockstepTransport
from sim2real.hardware.emulator.port import Port
from sim2real.hardware.emulator.robot import EmulatedRobot


class Stopwatch:
    """Nanoseconds of this process, without those set aside."""

    def __init__(self) -> None:
        self.aside_ns = 0

    def __call__(self) -> int:
        """Return the time, ns."""
        return perf_counter_ns() - self.aside_ns


class OffTheClock(LockstepTransport):
    """A port of the emulated robot whose own time does not count, nor that of the robot behind it."""

    def __init__(self, emulated: EmulatedRobot, line: Port, clock: VirtualClock, watch: Stopwatch) -> None:
        super().__init__(emulated, line, clock)
        self._wire = LockstepTransport(emulated, line, clock)
        self._watch = watch

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send all bytes."""
        started = perf_counter_ns()
        self._wire.write(data)
        self._watch.aside_ns += perf_counter_ns() - started

    def read_into(self, buffer: memoryview, deadline_ns: int) -> int:
        """Wait for a reply until the deadline; return the number of bytes written to the buffer."""
        started = perf_counter_ns()
        count = more = self._wire.read_into(buffer, deadline_ns)
        while more and self._line.streams:  # the kernel's buffer of a real port hands out at once what has come in
            more = self._wire.read_into(buffer[count:], self._clock.now_ns())
            count += more
        self._watch.aside_ns += perf_counter_ns() - started
        return count

    def drain(self) -> None:
        """Discard received bytes."""
        started = perf_counter_ns()
        self._wire.drain()
        self._watch.aside_ns += perf_counter_ns() - started

    def write_now(self, data: bytes) -> bool:
        """Send without waiting for the end."""
        started = perf_counter_ns()
        sent = self._wire.write_now(data)
        self._watch.aside_ns += perf_counter_ns() - started
        return sent

    def ask(self, frame: bytes) -> None:
        """Do the same as `transport.ask`: on a serial port, two system calls."""
        started = perf_counter_ns()
        ask(self._wire, frame)
        self._watch.aside_ns += perf_counter_ns() - started

    def collect(self, buffer: memoryview, wanted: int, deadline_ns: int, wait_ms: int) -> int:
        """Do the same as `transport.collect`: on a serial port, system calls and the wait."""
        started = perf_counter_ns()
        received = collect(self._wire, buffer, wanted, deadline_ns, wait_ms)
        self._watch.aside_ns += perf_counter_ns() - started
        return received


class TickClock:
    """A clock that notes on the stopwatch when the last sleep ended: there a tick begins."""

    def __init__(self, clock: Clock, watch: Stopwatch) -> None:
        self._clock, self._watch = clock, watch
        self.woken_ns = 0

    def now_ns(self) -> int:
        """Return the current time."""
        return self._clock.now_ns()

    def sleep_until_ns(self, deadline_ns: int) -> None:
        """Sleep until the deadline."""
        self._clock.sleep_until_ns(deadline_ns)
        self.woken_ns = self._watch()
