"""One half-duplex line: bytes of the client in, bytes of the motors out, each at the time that the baud rate gives."""

import heapq
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from operator import and_
from typing import Any

from sim2real.hardware.clock import NS_PER_S
from sim2real.hardware.emulator.faults import FaultScript
from sim2real.hardware.emulator.line_guardian import LineGuardian
from sim2real.hardware.firmware.device_protocol import DeviceProtocol, Reply
from sim2real.hardware.firmware.motor import EmulatedMotor

NEVER = 1 << 62
"""Time of what does not happen."""

_BITS = 10  # start, eight data bits, stop
_BAUD_TOLERANCE = 0.03  # e-Manual: an error below 3 % does not affect the communication
_DELIVERIES_MAX = 4096  # replies that no client fetches; a serial driver's buffer is no larger in bytes


@dataclass(slots=True)
class _OnWire:
    start_ns: int
    end_ns: int
    baudrate: int
    data: bytes


class Line:
    """The wire, and the adapter at the client's end of it.

    Instructions are carried out when their last byte has arrived. Replies come out of the adapter whole, when their
    last byte has arrived there. What the adapter holds is safe from the wire; a reply that is still on the wire, or yet
    to come, is lost when the client begins to send.

    Attributes:
        motors: All that hang on it; motors may share an id.
        plugged: False while the adapter is pulled out.
        guardian: What stops the motors when the client, on a virtual clock, stalls.
        protocol: The device protocol, at the motors' end.
        cancelled: Replies lost because the client sent before they were over.
    """

    streams = False  # motors speak when they are spoken to

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
        self.guardian: LineGuardian | None = None
        self.cancelled = 0
        self._faults = faults
        self._baudrate = baudrate
        self._sent_ns = 0  # when the client's last byte has left it
        self._instructions: deque[tuple[int, Any, int]] = deque()
        self._wire: deque[_OnWire] = deque()
        self._adapter: list[tuple[int, int, bytes]] = []
        self._deliveries = 0

    @property
    def baudrate(self) -> int:
        """The client's."""
        return self._baudrate

    @property
    def next_ns(self) -> int:
        """Time of the next thing that happens on the wire; `process` is to be called then."""
        next_ns = self._instructions[0][0] if self._instructions else NEVER
        if self._wire:
            next_ns = min(next_ns, self._wire[0].end_ns)
        return next_ns if self.guardian is None else min(next_ns, self.guardian.due_ns)

    @property
    def instruction_next(self) -> bool:
        """Whether the next thing is an instruction that motors carry out."""
        return bool(self._instructions) and self._instructions[0][0] <= self.next_ns

    @property
    def delivery_ns(self) -> int:
        """Time at which the adapter hands over the next reply."""
        return self._adapter[0][0] if self._adapter else NEVER

    def wire_ns(self, count: int, baudrate: int | None = None) -> int:
        """Return how long so many bytes take, at the client's baud rate if no other is given."""
        return -(-count * _BITS * NS_PER_S // (baudrate or self._baudrate)) if self.protocol.paced else 0

    def set_baudrate(self, baudrate: int) -> None:
        """Change the client's baud rate; a frame that has begun is lost. A line that is not paced has none."""
        if self.protocol.paced and baudrate != self._baudrate:
            self._baudrate = baudrate
            self.protocol.reset()

    def hang_up(self) -> None:
        """Forget what is under way to the client, which has left. What it has sent reaches the motors all the same."""
        self.protocol.reset()
        self._wire.clear()
        self._adapter.clear()

    def plug(self, plugged: bool) -> None:
        """Pull the adapter out, or put it in again; what is under way is lost both ways."""
        self.plugged = plugged
        self._instructions.clear()
        self.hang_up()

    def send(self, now_ns: int, data: bytes) -> int:
        """Take bytes that the client sends now, or after those it still sends; return when the last is through."""
        start_ns = max(now_ns, self._sent_ns)
        self._cut(start_ns)
        sent = 0
        for piece in self.protocol.pieces(data):
            sent += len(piece)
            self._sent_ns = start_ns + self.wire_ns(sent)
            for instruction in self.protocol.feed(self._faults.hear(self.name, piece, self._sent_ns)):
                self._instructions.append((self._sent_ns, instruction, self._baudrate))
        return self._sent_ns

    def process(self, now_ns: int) -> None:
        """Do what happens on the wire at `next_ns`; the world has come that far."""
        if self.instruction_next:
            _, instruction, baudrate = self._instructions.popleft()
            self._carry_out(now_ns, instruction, baudrate)
        elif self.guardian is not None and self.guardian.due_ns <= now_ns:
            self.guardian.act(now_ns)
        elif self._wire:
            self._hand_over(self._wire.popleft())

    def take(self, now_ns: int) -> bytes:
        """Return what the adapter has to hand over by now, without waiting; nothing if there is nothing."""
        if self.delivery_ns > now_ns:
            return b""
        return heapq.heappop(self._adapter)[2]

    def _carry_out(self, now_ns: int, instruction: Any, baudrate: int) -> None:  # noqa: ANN401 - the protocol's own type
        self._drop_pending(now_ns)
        hearing = [motor for motor in self.motors if motor.hears(now_ns) and same_rate(motor.baudrate, baudrate)]
        free_ns = now_ns
        for reply in self._replies_to(instruction, hearing, now_ns):
            start_ns = free_ns + reply.delay_ns
            free_ns = start_ns + self.wire_ns(len(reply.data), reply.baudrate)
            if self.protocol.half_duplex and start_ns < self._sent_ns:  # the client is sending again already
                self.cancelled += 1
            else:
                self._wire.append(_OnWire(start_ns, free_ns, reply.baudrate, reply.data))

    def _replies_to(self, instruction: Any, hearing: list[EmulatedMotor], now_ns: int) -> list[Reply]:  # noqa: ANN401 - the protocol's own type
        """Let the motors answer. Those that share an id answer together: what is heard is their bits' conjunction.

        One motor of each id answers in each round. Those that are alone with their id do so in every round, which
        changes nothing, for what one instruction does it does twice at the same time.
        """
        by_id: dict[int, list[EmulatedMotor]] = {}
        for motor in hearing:
            by_id.setdefault(motor.id, []).append(motor)
        rounds = max(map(len, by_id.values()), default=0)
        if rounds <= 1:
            return list(self.protocol.replies_to(instruction, hearing, now_ns))
        casts = [[motors[min(turn, len(motors) - 1)] for motors in by_id.values()] for turn in range(rounds)]
        heard: list[Reply] = []
        for cast in casts:
            replies = self.protocol.replies_to(instruction, cast, now_ns)
            heard = [_collision(*pair) for pair in zip(heard, replies, strict=False)] + (
                heard[len(replies) :] or replies[len(heard) :]
            )
        return heard

    def _drop_pending(self, now_ns: int) -> None:
        """Lose the replies that have not begun: a motor that hears an instruction while it waits forgets its answer."""
        while self.protocol.half_duplex and self._wire and self._wire[-1].start_ns > now_ns:
            self._wire.pop()
            self.cancelled += 1

    def _cut(self, now_ns: int) -> None:
        """Lose the replies that are not over when the client begins to send; what has arrived of them stays.

        One that is over and has not been handed over is lost as well: the client has sent without it, which only a
        server that is late can find.
        """
        if not self.protocol.half_duplex:
            return
        replies = list(self._wire)
        self._wire.clear()
        self.cancelled += len(replies)
        for reply in replies:
            if reply.end_ns <= now_ns:
                continue
            heard = max(0, now_ns - reply.start_ns) * len(reply.data) // (reply.end_ns - reply.start_ns)
            if heard:
                self._wire.append(_OnWire(reply.start_ns, now_ns, reply.baudrate, reply.data[:heard]))

    def _hand_over(self, reply: _OnWire) -> None:
        if not self.plugged:
            return
        in_time = not self.protocol.paced or same_rate(reply.baudrate, self._baudrate)
        data = reply.data if in_time else garbled(reply.data)
        for delivery in self._faults.deliver(self.name, data, reply.end_ns):
            if len(self._adapter) < _DELIVERIES_MAX:
                self._deliveries += 1  # keeps the order of replies of the same time
                heapq.heappush(self._adapter, (reply.end_ns + delivery.delay_ns, self._deliveries, delivery.data))


def _collision(first: Reply, second: Reply) -> Reply:
    """Return what is heard of two motors that talk together: a line that every motor can pull low."""
    longer, shorter = sorted((first.data, second.data), key=len, reverse=True)
    data = bytes(map(and_, longer, shorter)) + longer[len(shorter) :]
    return Reply(min(first.delay_ns, second.delay_ns), first.baudrate, data)


def same_rate(first: int, second: int) -> bool:
    """Tell whether two baud rates are close enough to understand each other."""
    return abs(first - second) <= _BAUD_TOLERANCE * second


def garbled(data: bytes) -> bytes:
    """Return what a receiver at another baud rate makes of bytes: something else, and never a header."""
    return bytes((byte * 167 + 89 * index) & 0x7F for index, byte in enumerate(data))
