"""One emulated serial line: the client's bytes in, the motors' bytes out, timed by the baud rate."""

import heapq
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sim2real.hardware.clock import NS_PER_S
from sim2real.hardware.emulator.collision import on_can, on_one_wire
from sim2real.hardware.emulator.faults import FaultScript
from sim2real.hardware.emulator.line_supervisor import LineSupervisor
from sim2real.hardware.firmware.device_protocol import DeviceProtocol, Reply
from sim2real.hardware.firmware.motor import EmulatedMotor

NEVER = 1 << 62
"""Time of an event that does not happen."""

_BITS = 10  # start, eight data bits, stop
_BAUD_TOLERANCE = 0.03  # e-Manual: an error below 3 % does not affect the communication
_HELD_BYTES_MAX = 4096  # of a serial driver's buffer
_DELIVERIES_MAX = 4096  # replies not fetched by the client; a serial driver's buffer has this many bytes


@dataclass(slots=True)
class _OnWire:
    start_ns: int
    end_ns: int
    baudrate: int
    data: bytes


@dataclass(slots=True)
class _Instruction:
    time_ns: int
    message: Any
    baudrate: int
    client: int


class Line:
    """The wire, and the adapter at the client's end.

    Instructions are executed when their last byte has arrived. The adapter delivers a reply when its last byte has
    arrived. On a half-duplex line, a reply that is pending or still on the wire is lost when the client starts to send;
    a reply in the adapter is not.

    Attributes:
        motors: All motors on the line; motors may share an id.
        plugged: False while the adapter is unplugged.
        supervisor: Stops the motors when the client stalls, on the virtual clock; on one line of the robot.
        protocol: The device protocol, at the motors' end.
        cancelled: Number of replies lost because the client sent before they ended.
        cut: Whether the wire is cut behind the adapter.
        echo: Whether the adapter returns the client's own bytes.
        blocked: Whether the adapter takes no bytes.
    """

    streams = False  # motors send only replies

    def __init__(
        self,
        name: str,
        protocol: DeviceProtocol[Any, Any],
        motors: Sequence[EmulatedMotor],
        baudrate: int,
        faults: FaultScript,
    ) -> None:
        self.name = name
        self.protocol = protocol
        self.motors = list(motors)
        self.plugged = True
        self.supervisor: LineSupervisor | None = None
        self.cancelled = 0
        self.cut = self.echo = self.blocked = False
        self._held = b""
        self._faults = faults
        self._baudrate = baudrate
        self._sent_ns = 0  # end of the client's last byte
        self._instructions: deque[_Instruction] = deque()
        self._client = 0  # number of the client: replies to an earlier one are discarded
        self._wire: deque[_OnWire] = deque()
        self._adapter: list[tuple[int, int, bytes]] = []
        self._deliveries = 0

    @property
    def baudrate(self) -> int:
        """The client's baud rate, bit/s."""
        return self._baudrate

    @property
    def next_ns(self) -> int:
        """Time of the next event on the wire, ns; call `process` then."""
        next_ns = self._instructions[0].time_ns if self._instructions else NEVER
        if self._wire and self._wire[0].end_ns < next_ns:
            next_ns = self._wire[0].end_ns
        if self.supervisor is not None and self.supervisor.due_ns < next_ns:
            next_ns = self.supervisor.due_ns
        return next_ns

    @property
    def instruction_next(self) -> bool:
        """Whether the next event is an instruction to motors."""
        return bool(self._instructions) and self._instructions[0].time_ns <= self.next_ns

    @property
    def delivery_ns(self) -> int:
        """Time at which the adapter delivers the next reply, ns."""
        return self._adapter[0][0] if self._adapter else NEVER

    def wire_ns(self, count: int, baudrate: int | None = None) -> int:
        """Return the time of `count` bytes on the wire, ns; by default at the client's baud rate."""
        return -(-count * _BITS * NS_PER_S // (baudrate or self._baudrate)) if self.protocol.paced else 0

    def set_baudrate(self, baudrate: int) -> None:
        """Change the client's baud rate; an incomplete frame is lost. Does nothing on a line that is not paced."""
        if self.protocol.paced and baudrate != self._baudrate:
            self._baudrate = baudrate
            self.protocol.reset()

    def hang_up(self) -> None:
        """Discard bytes on their way to a client that closed the port. Its instructions still reach the motors."""
        self.protocol.reset()
        self._client += 1
        self._wire.clear()
        self._adapter.clear()
        self._held = b""

    def plug(self, plugged: bool) -> None:
        """Unplug the adapter, or plug it in again; bytes on their way are lost in both directions."""
        self.plugged = plugged
        self._instructions.clear()
        self.hang_up()

    def send(self, now_ns: int, data: bytes) -> int:
        """Send the client's bytes, after any bytes it is still sending; return the end of the last byte, ns."""
        start_ns = max(now_ns, self._sent_ns)
        if self.blocked:
            self._held += data
            return now_ns
        self._cut_off_replies(start_ns)
        if self.echo:
            self._to_adapter(start_ns + self.wire_ns(len(data)), data)
        sent = 0
        for piece in self.protocol.pieces(data):
            sent += len(piece)
            self._sent_ns = start_ns + self.wire_ns(sent)
            self._reach_motors(self._sent_ns, self._faults.receive(self.name, piece, self._sent_ns))
        return self._sent_ns

    @property
    def room(self) -> int:
        """Number of bytes that the client can still write: the serial driver buffers them while the port is blocked."""
        return max(0, _HELD_BYTES_MAX - len(self._held)) if self.blocked else _HELD_BYTES_MAX

    def block(self, blocked: bool, now_ns: int) -> None:
        """Block the port, or release it; what the client wrote meanwhile is then sent at once."""
        self.blocked = blocked
        if not blocked and self._held:
            held, self._held = self._held, b""
            self.send(now_ns, held)

    def discard(self) -> None:
        """Discard what the serial driver holds while the port is blocked."""
        self._held = b""

    def receive_noise(self, now_ns: int, data: bytes) -> None:
        """Let motors and client receive bytes that nobody sent."""
        if self.plugged:
            self._reach_motors(now_ns, data)
            self._to_adapter(now_ns, data)

    def process(self, now_ns: int) -> None:
        """Process the event at `next_ns`; the plant is up to date."""
        if self.instruction_next:
            self._execute(now_ns, self._instructions.popleft())
        elif self.supervisor is not None and self.supervisor.due_ns <= now_ns:
            self.supervisor.act(now_ns)
        elif self._wire:
            self._deliver(self._wire.popleft())

    def take(self, now_ns: int) -> bytes:
        """Return the next reply that the adapter delivers by `now_ns`; empty if there is none."""
        if self.delivery_ns > now_ns:
            return b""
        return heapq.heappop(self._adapter)[2]

    def _reach_motors(self, now_ns: int, data: bytes) -> None:
        if not self.cut:
            for instruction in self.protocol.feed(data):
                self._instructions.append(_Instruction(now_ns, instruction, self._baudrate, self._client))

    def _to_adapter(self, time_ns: int, data: bytes) -> None:
        if len(self._adapter) < _DELIVERIES_MAX:
            self._deliveries += 1  # keeps simultaneous replies in order
            heapq.heappush(self._adapter, (time_ns, self._deliveries, data))

    def _execute(self, now_ns: int, instruction: _Instruction) -> None:
        self._drop_pending(now_ns)
        rate = instruction.baudrate
        receivers = [motor for motor in self.motors if motor.listens(now_ns) and same_rate(motor.baudrate, rate)]
        free_ns = now_ns
        for reply in self._replies_to(instruction.message, receivers, now_ns):
            start_ns = free_ns + reply.delay_ns
            free_ns = start_ns + self.wire_ns(len(reply.data), reply.baudrate)
            if self.protocol.half_duplex and start_ns < self._sent_ns:  # the client is already sending again
                self.cancelled += 1
            elif instruction.client == self._client:
                self._wire.append(_OnWire(start_ns, free_ns, reply.baudrate, reply.data))

    def _replies_to(self, instruction: Any, receivers: list[EmulatedMotor], now_ns: int) -> list[Reply]:  # noqa: ANN401 - the protocol's own type
        """Return the motors' replies. Motors that share an id reply at the same time.

        In each round, one motor of each id replies. A motor with a unique id replies in every round; this is harmless,
        because an instruction has the same effect when it is executed twice at the same time.
        """
        by_id: dict[int, list[EmulatedMotor]] = {}
        for motor in receivers:
            by_id.setdefault(motor.id, []).append(motor)
        rounds = max(map(len, by_id.values()), default=0)
        if rounds <= 1:
            return list(self.protocol.replies_to(instruction, receivers, now_ns))
        casts = [[motors[min(turn, len(motors) - 1)] for motors in by_id.values()] for turn in range(rounds)]
        heard: list[Reply] = []
        for cast in casts:
            replies = self.protocol.replies_to(instruction, cast, now_ns)
            late_bits = int(len(replies) == 1)
            heard = [
                on_one_wire(*pair, late_bits) if self.protocol.half_duplex else on_can(*pair)
                for pair in zip(heard, replies, strict=False)
            ] + (heard[len(replies) :] or replies[len(heard) :])
        return heard

    def _drop_pending(self, now_ns: int) -> None:
        """Cancel replies that have not started: a motor that receives an instruction drops its pending reply."""
        while self.protocol.half_duplex and self._wire and self._wire[-1].start_ns > now_ns:
            self._wire.pop()
            self.cancelled += 1

    def _cut_off_replies(self, now_ns: int) -> None:
        """Cut off the replies that have not ended when the client starts to send; keep the part that has arrived.

        A reply that has ended but was not delivered yet is lost too: the client has not waited for it. This happens
        only when the server is late.
        """
        if not self.protocol.half_duplex:
            return
        replies = list(self._wire)
        self._wire.clear()
        self.cancelled += len(replies)
        for reply in replies:
            if reply.end_ns <= now_ns:
                continue
            arrived = max(0, now_ns - reply.start_ns) * len(reply.data) // (reply.end_ns - reply.start_ns)
            if arrived:
                self._wire.append(_OnWire(reply.start_ns, now_ns, reply.baudrate, reply.data[:arrived]))

    def _deliver(self, reply: _OnWire) -> None:
        if not self.plugged or self.cut:
            return
        readable = not self.protocol.paced or same_rate(reply.baudrate, self._baudrate)
        data = reply.data if readable else garbled(reply.data)
        for delivery in self._faults.deliver(self.name, data, reply.end_ns):
            self._to_adapter(reply.end_ns + delivery.delay_ns, delivery.data)


def same_rate(first: int, second: int) -> bool:
    """Return whether two baud rates are close enough to communicate."""
    return abs(first - second) <= _BAUD_TOLERANCE * second


def garbled(data: bytes) -> bytes:
    """Return what a receiver at another baud rate decodes: other bytes, never a header."""
    return bytes((byte * 167 + 89 * index) & 0x7F for index, byte in enumerate(data))
