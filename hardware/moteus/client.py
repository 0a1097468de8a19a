"""Questions to controllers and their answers: lines written at once, answers collected until a deadline.

The protocol has no sequence numbers, so each question carries one: it writes a number to a register that no mode in use
looks at, PWM of phase A (0x010), and reads it back in the same frame. A late or duplicated answer has another number.
"""

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from sim2real.hardware.bus.transport import Transport
from sim2real.hardware.clock import Clock, ns_from_s
from sim2real.hardware.errors import HardwareError, ProtocolError
from sim2real.hardware.moteus.frame import Kind, Resolution, encode_head, encode_values
from sim2real.hardware.moteus.lines import LINE_BYTES_MAX, REPLY_WANTED, Line, LineBuffer, decode_line, encode_send
from sim2real.hardware.types import BusCounters

TRIES = 6
"""Rounds of set-up. Where one answer in five is lost, all six are lost once in 15 000 times."""

NUMBERS = 64
"""How many numbers questions take in turn; an answer is never so many questions late."""

MARGIN_S = 0.003
"""Wait of a tick beyond the time on CAN: USB frames of 1 ms each way, and scheduling. A lost answer costs all of it."""

_SET_UP_MARGIN_S = 0.03  # of set-up: a process may lose the processor for that long
_ADAPTER_MARGIN_S = 0.1  # of the first word: an adapter just opened may still be busy

_CAN_S = 0.0005  # a question, its answer and the time between them, for one controller
_NUMBER_REGISTER = 0x010
_ECHO = encode_head(Kind.REPLY, _NUMBER_REGISTER, 1, Resolution.FLOAT)
_ECHO_BYTES = len(_ECHO) + 4
_READS_MAX = 4096  # of one wait: a line that never falls silent must not hold the caller


def question(number: int, data: bytes) -> bytes:
    """Return a frame's data with the number that the answer must begin with."""
    written = encode_values(Kind.WRITE, _NUMBER_REGISTER, [float(number)], Resolution.FLOAT)
    return written + encode_head(Kind.READ, _NUMBER_REGISTER, 1, Resolution.FLOAT) + data


def asking_id(motor: int) -> int:
    """Return the CAN id of a frame from source 0 that asks for an answer."""
    return REPLY_WANTED << 8 | motor


@dataclass(frozen=True, slots=True)
class Answer:
    """What one controller answered."""

    motor: int
    data: bytes
    """Without the number; up to the frame's padding."""
    arrived_ns: int


@dataclass
class Client:
    """The adapter of one bus.

    Attributes:
        checksum: Whether lines have checksums; `decide_checksum` finds out.
    """

    transport: Transport
    clock: Clock
    counters: BusCounters = field(default_factory=BusCounters)
    checksum: bool = False

    def __post_init__(self) -> None:
        self._lines = LineBuffer()
        self._buffer = memoryview(bytearray(16 * LINE_BYTES_MAX))
        self._number = 0

    def decide_checksum(self, motor: int) -> None:
        """Find out whether the adapter understands checksums: one that does has them in its own lines from then on.

        Raises:
            HardwareError: No reply.
            PortLostError: The port vanished.
        """
        line = encode_send(asking_id(motor), question(0, b""), checksum=True)
        for _ in range(TRIES):
            self._send(line)
            for answer, _ in self._arriving(self._deadline(1, _ADAPTER_MARGIN_S)):
                self.checksum = answer.checked
                return
        raise HardwareError("the adapter does not answer; check power, cable and that it is an fdcanusb or a moteus")

    def next_number(self) -> int:
        """Return the number of the next question."""
        self._number = self._number % NUMBERS + 1
        return self._number

    def ask(self, questions: Mapping[int, bytes]) -> dict[int, Answer]:
        """Ask several controllers at once; return their answers, by id.

        Raises:
            PortLostError: The port vanished.
        """
        number = self.next_number()
        lines = (
            encode_send(asking_id(motor), question(number, data), self.checksum) for motor, data in questions.items()
        )
        return {answer.motor: answer for answer in self.collect(b"".join(lines), number, frozenset(questions))}

    def collect(
        self, request: bytes, number: int, motors: frozenset[int], margin_s: float = _SET_UP_MARGIN_S
    ) -> Iterator[Answer]:
        """Send lines that ask these controllers with this number; yield the answers as they come, one from each.

        Args:
            request: The lines.
            number: Of the question.
            motors: The controllers that are asked.
            margin_s: How much longer than on CAN an answer may take.

        Raises:
            PortLostError: The port vanished.
        """
        self._send(request)
        echo = _ECHO + struct.pack("<f", number)
        missing = set(motors)
        for line, now_ns in self._arriving(self._deadline(len(motors), margin_s)):
            frame = line.frame
            if frame is None:
                continue  # OK, or ERR: then the answer is missing
            if frame.source in missing and frame.data.startswith(echo):
                missing.remove(frame.source)
                yield Answer(frame.source, frame.data[_ECHO_BYTES:], now_ns)
                if not missing:
                    return
            else:
                self.counters.unexpected += 1
        self.counters.timeouts += len(missing)

    def send(self, lines: bytes | bytearray) -> None:
        """Send lines that get no answer. Raises PortLostError."""
        self.transport.write(lines)

    def _send(self, lines: bytes) -> None:
        self.transport.drain()
        self._lines.reset()
        self.transport.write(lines)

    def _deadline(self, motors: int, margin_s: float) -> int:
        return self.clock.now_ns() + ns_from_s(motors * _CAN_S + margin_s)

    def _arriving(self, deadline_ns: int) -> Iterator[tuple[Line, int]]:
        """Yield the lines that come until the deadline, with their time of arrival."""
        for _ in range(_READS_MAX):
            count = self.transport.read_into(self._buffer, deadline_ns)
            if count == 0:
                return
            now_ns = self.clock.now_ns()
            for text in self._lines.feed(self._buffer[:count]):
                try:
                    line = decode_line(text)
                    if self.checksum and not line.checked:
                        raise ProtocolError("a line without checksum where the others have one")
                except ProtocolError:
                    self.counters.corrupt += 1
                else:
                    yield line, now_ns
            if now_ns >= deadline_ns:
                return
