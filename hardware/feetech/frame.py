"""Frames of Feetech's FT-SCS protocol as STS and SMS speak it: bytes to packets and back, no input, output or clock.

A frame is `FF FF ID LEN CODE parameters CHECKSUM`; LEN counts everything after itself, the checksum is the complement
of the sum from ID to the last parameter. CODE is the instruction on the way to a motor and the error byte on the way
back: nothing in a frame says which, so that its reader must know. Words are little-endian (the SCS series is
big-endian). There is no byte stuffing. Source: Feetech, STS communication protocol manual; `scservo_sdk`.
"""

import heapq
from dataclasses import dataclass
from enum import IntEnum, IntFlag

from hardware.errors import ProtocolError

HEADER = b"\xff\xff"
BROADCAST = 254
ID_MAX = 253

PARAMETERS_MAX = 253
"""LEN is one byte."""
FRAME_BYTES_MAX = PARAMETERS_MAX + 6

_PREFIX = 4  # header, id, LEN
_PARAMETERS_AT = 5
_NO_ID = 0xFF


class Instruction(IntEnum):
    """Instruction bytes."""

    PING = 0x01
    READ = 0x02
    WRITE = 0x03
    REG_WRITE = 0x04
    ACTION = 0x05
    RECOVERY = 0x06
    """Back to factory values."""
    REBOOT = 0x08
    CLEAR_TURNS = 0x0A
    SYNC_READ = 0x82
    SYNC_WRITE = 0x83


class Alarm(IntFlag):
    """Bits of the error byte of a status packet, of Status (65), Unloading Condition (19) and LED Alarm Condition (20).

    They say what is wrong with the motor. A motor never says that it refused an instruction.
    """

    VOLTAGE = 1
    ENCODER = 2
    OVERHEATING = 4
    OVERCURRENT = 8
    OVERLOAD = 32


@dataclass(frozen=True, slots=True)
class Packet:
    """One packet."""

    id: int
    code: int
    """Instruction, or error byte."""
    parameters: bytes


def checksum(data: bytes | bytearray | memoryview) -> int:
    """Return the checksum of the bytes from ID to the last parameter."""
    return ~sum(data) & 0xFF


def encode(id: int, code: int, parameters: bytes = b"") -> bytes:  # noqa: A002 - the protocol's own word
    """Return the frame of an instruction, or of a status packet with its error byte in place of the instruction.

    Raises:
        ProtocolError: No such id, or more than `PARAMETERS_MAX` parameters.
    """
    if not 0 <= id <= BROADCAST or not 0 <= code <= 0xFF:
        raise ProtocolError(f"id {id} or code {code} is not valid; valid: ids up to {BROADCAST}, codes up to 255")
    if len(parameters) > PARAMETERS_MAX:
        raise ProtocolError(f"{len(parameters)} parameters, at most {PARAMETERS_MAX} fit")
    body = bytes((id, len(parameters) + 2, code)) + parameters
    return HEADER + body + bytes((checksum(body),))


def decode(frame: bytes) -> Packet:
    """Return the packet in one whole frame. Raises ProtocolError if it is not exactly that."""
    if frame[:2] != HEADER:
        raise ProtocolError("no header FF FF")
    if len(frame) < _PREFIX or len(frame) != _frame_bytes(frame, 0):
        raise ProtocolError(f"id or length not valid in a frame of {len(frame)} bytes")
    if not _intact(frame):
        raise ProtocolError("wrong checksum")
    return _packet(frame)


class Decoder:
    """Finds packets in a stream of any bytes, however it is cut into pieces.

    Every header is a candidate, also one inside another candidate, and the candidate that is complete first and has the
    right checksum is a packet; bytes before it are discarded. So a cut-off frame or a false header, whatever length it
    claims, never holds back an intact frame after it. The price, in a protocol without stuffing: a frame that carries a
    whole other frame in its parameters is read as that one.

    The buffer never keeps more than `FRAME_BYTES_MAX` bytes between calls. Each candidate costs one sum over at most as
    many, and there is at most one in three bytes.

    Attributes:
        discarded: Bytes that belonged to no packet.
        corrupt: Frames among them that were cut off or had a wrong checksum.
    """

    def __init__(self) -> None:
        self.discarded = 0
        self.corrupt = 0
        self._buffer = bytearray()
        self._base = 0  # place of the buffer's first byte in the stream; all other places count from the stream's start
        self._scanned = 0  # every header before this place has been looked at
        self._candidates: list[tuple[int, int]] = []  # heap of (end, start)

    def feed(self, data: bytes | bytearray | memoryview) -> list[Packet]:
        """Take bytes and return the packets that they complete, in order."""
        packets: list[Packet] = []
        for offset in range(0, len(data), FRAME_BYTES_MAX):
            self._buffer += data[offset : offset + FRAME_BYTES_MAX]
            self._collect(packets)
        return packets

    def reset(self) -> None:
        """Forget a frame that is not complete, without counting it."""
        self._base = self._scanned = self._base + len(self._buffer)
        self._buffer.clear()
        self._candidates.clear()

    @property
    def pending(self) -> int:
        """Bytes that wait for the rest of their frame."""
        return len(self._buffer)

    def _collect(self, packets: list[Packet]) -> None:
        self._scan()
        stream_end = self._base + len(self._buffer)
        while self._candidates and self._candidates[0][0] <= stream_end:
            end, start = heapq.heappop(self._candidates)
            frame = bytes(self._buffer[start - self._base : end - self._base])
            if _intact(frame):
                packets.append(_packet(frame))
                self._drop_around(start, end)
                self._discard(start)
                del self._buffer[: end - start]
                self._base = end
            else:
                self.corrupt += 1
        self._scanned = max(self._scanned, self._base)
        self._discard(min((start for _, start in self._candidates), default=self._scanned))

    def _drop_around(self, start: int, end: int) -> None:
        """Forget candidates that a packet has cut off, or that lie inside it."""
        self.corrupt += sum(begin < start for _, begin in self._candidates)
        self._candidates = [item for item in self._candidates if item[1] >= end]
        heapq.heapify(self._candidates)

    def _scan(self) -> None:
        """Find the headers in the bytes that are new."""
        while True:
            at = self._buffer.find(HEADER, self._scanned - self._base)
            if at < 0:
                # The last byte may be the start of a header.
                self._scanned = max(self._scanned, self._base + len(self._buffer) - 1)
                return
            self._scanned = self._base + at
            if len(self._buffer) - at < _PREFIX:
                return
            size = _frame_bytes(self._buffer, at)
            if size is not None:
                heapq.heappush(self._candidates, (self._scanned + size, self._scanned))
            self._scanned += 1  # of FF FF FF, the last two may be the header

    def _discard(self, place: int) -> None:
        count = place - self._base
        self.discarded += count
        del self._buffer[:count]
        self._base = place


def _frame_bytes(data: bytes | bytearray, at: int) -> int | None:
    """Return the size of the frame whose header is at this offset, None if no frame begins like that."""
    motor, length = data[at + 2], data[at + 3]
    return None if motor == _NO_ID or length < 2 else _PREFIX + length


def _intact(frame: bytes) -> bool:
    return sum(frame[2:]) & 0xFF == 0xFF


def _packet(frame: bytes) -> Packet:
    return Packet(frame[2], frame[4], frame[_PARAMETERS_AT:-1])
