"""Queries to controllers: writes all lines at once, and collects the replies until a deadline.

The protocol has no sequence numbers, so each query adds one: it writes a number to a register that the modes in use
ignore, PWM of phase A (0x010), and reads it back in the same frame. A late or duplicated reply has another number.
"""

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from sim2real.hardware.bus.shared_id import answers_alone
from sim2real.hardware.bus.transport import Transport
from sim2real.hardware.clock import Clock, ns_from_s
from sim2real.hardware.errors import HardwareError, ProtocolError
from sim2real.hardware.interface import Between, nothing
from sim2real.hardware.moteus.frame import Kind, Resolution, encode_head, encode_values
from sim2real.hardware.moteus.identity import IDENTITY, SERIAL_NUMBER
from sim2real.hardware.moteus.lines import LINE_BYTES_MAX, REPLY_WANTED, Line, LineBuffer, decode_line, encode_send
from sim2real.hardware.types import BusCounters

TRIES = 6
"""Tries during set-up. If one reply in five is lost, all six are lost once in 15 000 times."""

NUMBERS = 64
"""Size of the cycle of sequence numbers; a reply is never this many queries late."""

MARGIN_S = 0.003
"""Wait in addition to the time on CAN in a tick: USB frames of 1 ms each way, scheduling. A lost reply costs it all."""

_SET_UP_MARGIN_S = 0.03  # during set-up: the process may be descheduled for this long
_ADAPTER_MARGIN_S = 0.1  # for the first query: a newly opened adapter may still be busy

CAN_S = 0.0005
"""Time on CAN of query, reply and turnaround of one controller, s."""

_NUMBER_REGISTER = 0x010
_ECHO = encode_head(Kind.REPLY, _NUMBER_REGISTER, 1, Resolution.FLOAT)
_ECHO_BYTES = len(_ECHO) + 4
_READS_MAX = 4096  # per wait: a line that never goes quiet must not block the caller
_LATE_READS_MAX = 16  # one holds the replies of a whole bus


def question(number: int, data: bytes) -> bytes:
    """Return the data of a query with its sequence number, which the reply must start with."""
    written = encode_values(Kind.WRITE, _NUMBER_REGISTER, [float(number)], Resolution.FLOAT)
    return written + encode_head(Kind.READ, _NUMBER_REGISTER, 1, Resolution.FLOAT) + data


def asking_id(motor: int) -> int:
    """Return the CAN id of a frame from source 0 that requests a reply."""
    return REPLY_WANTED << 8 | motor


@dataclass(frozen=True, slots=True)
class Answer:
    """The reply of one controller."""

    motor: int
    data: bytes
    """Data without the sequence number, with the frame's padding."""
    arrived_ns: int
    """Time of arrival, ns."""


@dataclass
class Client:
    """Queries through the adapter of one bus.

    Attributes:
        checksum: Whether lines have checksums; None before `decide_checksum`, and then none are sent.
        between: Called before each question of `ask`; what it raises ends the step.
    """

    transport: Transport
    clock: Clock
    counters: BusCounters = field(default_factory=BusCounters)
    checksum: bool | None = None

    def __post_init__(self) -> None:
        self.between: Between = nothing
        self._lines = LineBuffer()
        self._buffer = memoryview(bytearray(16 * LINE_BYTES_MAX))
        self._number = 0

    def decide_checksum(self, motor: int) -> None:
        """Find out whether the adapter supports checksums; if so, it uses them in its own lines from then on.

        Raises:
            HardwareError: No reply.
            PortLostError: The port vanished.
        """
        self.checksum = None
        line = encode_send(asking_id(motor), question(0, b""), checksum=True)
        for _ in range(TRIES):
            self.between()
            self.send_query(line)
            for answer, _ in self._receive_lines(self.deadline_ns(1, _ADAPTER_MARGIN_S)):
                if answer.frame is not None:  # `OK` may still answer an earlier line
                    self.checksum = answer.checked
                    return
        raise HardwareError("the adapter does not answer; check power, cable and that it is an fdcanusb or a moteus")

    def next_number(self) -> int:
        """Return the next sequence number."""
        self._number = self._number % NUMBERS + 1
        return self._number

    def ask(self, questions: Mapping[int, bytes], margin_s: float = _SET_UP_MARGIN_S) -> dict[int, Answer]:
        """Query several controllers at once; return their replies, by id.

        Args:
            questions: Data of the query for each controller, by id.
            margin_s: Longest wait for replies in addition to the time on CAN, s.

        Raises:
            PortLostError: The port vanished.
        """
        self.between()
        number = self.next_number()
        lines = (
            encode_send(asking_id(motor), question(number, data), bool(self.checksum))
            for motor, data in questions.items()
        )
        answers = self.collect(b"".join(lines), number, frozenset(questions), margin_s)
        return {answer.motor: answer for answer in answers}

    def alone(self, motor: int) -> bool:
        """Return whether one controller alone answers to an id. Raises PortLostError.

        On CAN, equal frames of two controllers arrive as one; their serial numbers differ, and so do not arrive.
        """
        return answers_alone(lambda _: motor in self.ask({motor: SERIAL_NUMBER}))

    def silent(self, motor: int) -> bool:
        """Return whether nothing answers to an id. Raises PortLostError.

        What two controllers of one model and firmware answer to this is equal, so it arrives.
        """
        return not any(motor in self.ask({motor: IDENTITY}) for _ in range(TRIES))

    def collect(
        self, request: bytes, number: int, motors: frozenset[int], margin_s: float = _SET_UP_MARGIN_S
    ) -> Iterator[Answer]:
        """Send the lines of a query; return the replies as they arrive, one per controller.

        Args:
            request: The lines.
            number: Sequence number of the query.
            motors: Ids of the queried controllers.
            margin_s: Longest wait for replies in addition to the time on CAN, s.

        Raises:
            PortLostError: The port vanished.
        """
        self.send_query(request)
        return self.replies(number, motors, self.deadline_ns(len(motors), margin_s))

    def replies(self, number: int, motors: frozenset[int], deadline_ns: int) -> Iterator[Answer]:
        """Yield the replies to a query that was sent, as they arrive, one per controller; count those that are missing.

        Raises:
            PortLostError: The port vanished.
        """
        echo = _ECHO + struct.pack("<f", number)
        missing = set(motors)
        for line, now_ns in self._receive_lines(deadline_ns):
            frame = line.frame
            if frame is None:
                continue  # OK, or ERR: the reply is then missing
            if frame.source in missing and frame.data.startswith(echo):
                missing.remove(frame.source)
                yield Answer(frame.source, frame.data[_ECHO_BYTES:], now_ns)
                if not missing:
                    return
            else:
                self.counters.unexpected += 1
        self.counters.timeouts += len(missing)

    def send(self, lines: bytes | bytearray) -> None:
        """Send lines that get no reply. Raises PortLostError."""
        self.transport.write(lines)

    def send_query(self, lines: bytes) -> None:
        """Discard received bytes, and send the lines of a query. Raises PortLostError."""
        self.transport.drain()
        self._lines.reset()
        self.transport.write(lines)

    def deadline_ns(self, motors: int, margin_s: float) -> int:
        """Return the time until which the replies of so many controllers are awaited, ns."""
        return self.clock.now_ns() + ns_from_s(motors * CAN_S + margin_s)

    def _receive_lines(self, deadline_ns: int) -> Iterator[tuple[Line, int]]:
        """Yield the lines received until the deadline, with the time at which they were fetched, ns.

        After the deadline some more reads take what had arrived before it, while the process was kept from running.
        """
        late = 0
        for _ in range(_READS_MAX):
            count = self.transport.read_into(self._buffer, deadline_ns)
            if count == 0:
                return
            now_ns = self.clock.now_ns()
            for text in self._lines.feed(self._buffer[:count]):
                try:
                    line = decode_line(text)
                    if self.checksum and not line.checked:
                        raise ProtocolError("line without checksum after lines with one")
                except ProtocolError:
                    self.counters.corrupt += 1
                else:
                    yield line, now_ns
            late += now_ns >= deadline_ns
            if late > _LATE_READS_MAX:
                return
