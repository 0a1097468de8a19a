"""Lockstep: the emulated robot in-process on a virtual clock; same bytes, much faster than real time."""

from collections.abc import Sequence

from sim2real.hardware.bus.serial_port import WRITE_STALL_NS_MAX
from sim2real.hardware.bus.transport import Transport
from sim2real.hardware.clock import VirtualClock
from sim2real.hardware.emulator.line import Line
from sim2real.hardware.emulator.line_supervisor import LineSupervisor
from sim2real.hardware.emulator.port import Port
from sim2real.hardware.emulator.robot import EmulatedRobot
from sim2real.hardware.errors import HardwareError, PortLostError
from sim2real.hardware.supervisor.supervisor import Watched


class LockstepTransport:
    """A port of the emulated robot. A write takes the time of the bytes on the wire; a read waits for a reply.

    Nothing else advances the clock, so a run is deterministic, however long the client computes.
    """

    def __init__(self, emulated: EmulatedRobot, line: Port, clock: VirtualClock) -> None:
        self._emulated = emulated
        self._line = line
        self._clock = clock
        self._rest = b""
        self._closed = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send all bytes; return when the last byte has been sent."""
        self._catch_up()
        self._await_room(len(data))
        end_ns = self._line.send(self._clock.now_ns(), bytes(data))
        self._clock.sleep_until_ns(end_ns)
        self._catch_up()

    def write_now(self, data: bytes) -> bool:
        """Send without waiting for the end. If the buffer of a blocked port is full, discard what it holds first."""
        self._catch_up()
        if isinstance(self._line, Line) and len(data) > self._line.room:
            self._line.discard()
        self._line.send(self._clock.now_ns(), data)
        return True

    def read_into(self, buffer: memoryview, deadline_ns: int) -> int:
        """Wait for a reply until the deadline; return the number of bytes written to the buffer."""
        self._catch_up()
        if not self._rest:
            self._rest = self._wait(deadline_ns)
        count = min(len(self._rest), len(buffer))
        buffer[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count

    def drain(self) -> None:
        """Discard received bytes."""
        self._catch_up()
        self._rest = b""
        while self._line.take(self._clock.now_ns()):
            pass

    def set_baudrate(self, baudrate: int) -> None:
        """Change the client's baud rate."""
        self._catch_up()
        self._line.set_baudrate(baudrate)

    def start_supervisor(self, ports: Sequence[Watched], limit_ns: int) -> LineSupervisor:
        """Start a supervisor of these ports on the virtual clock, which acts if it is not fed for `limit_ns`."""
        if not isinstance(self._line, Line):
            raise HardwareError(f"port {self._line.name!r} has no motors to supervise")
        lines = [
            (port.transport.send_frames, port.off, port.death)
            for port in ports
            if isinstance(port.transport, LockstepTransport)
        ]
        self._line.supervisor = LineSupervisor(self._clock, lines, limit_ns)
        return self._line.supervisor

    def send_frames(self, now_ns: int, data: bytes) -> None:
        """Send without a wait, also after the client has closed the port, as another process would."""
        if self._line.plugged:
            self._line.send(now_ns, data)

    def close(self) -> None:
        """Release the port."""
        if not self._closed:
            self._closed = True
            self._rest = b""
            self._line.hang_up()

    def _await_room(self, count: int) -> None:
        """Wait while the port is blocked and its buffer is full; give up after as long as `SerialPort`."""
        line, clock = self._line, self._clock
        deadline_ns = clock.now_ns() + WRITE_STALL_NS_MAX
        while isinstance(line, Line) and count > line.room:
            if clock.now_ns() >= deadline_ns:
                raise PortLostError(f"port {line.name!r} takes no data")
            clock.sleep_until_ns(min(deadline_ns, max(self._emulated.faults.next_ns, clock.now_ns() + 1)))
            self._catch_up()

    def _wait(self, deadline_ns: int) -> bytes:
        """Advance the clock to the next reply, at most to the deadline."""
        line, clock = self._line, self._clock
        while True:
            data = line.take(clock.now_ns())
            if data:
                return data
            event_ns = min(line.next_ns, line.delivery_ns, self._emulated.faults.next_ns)
            if event_ns > deadline_ns:
                clock.sleep_until_ns(deadline_ns)
                self._catch_up()
                return b""
            clock.sleep_until_ns(event_ns)
            self._catch_up()

    def _catch_up(self) -> None:
        """Advance the emulated robot to the time of the clock."""
        if self._closed:
            raise PortLostError(f"port {self._line.name!r} is closed")
        self._emulated.advance_to(self._clock.now_ns())
        if not self._line.plugged:
            raise PortLostError(f"port {self._line.name!r} vanished")


def lockstep_transports(emulated: EmulatedRobot, clock: VirtualClock) -> dict[str, Transport]:
    """Return a transport for each bus and IMU of the emulated robot, by name, all on the same clock."""
    return {name: LockstepTransport(emulated, port, clock) for name, port in emulated.ports.items()}
