"""Frames of Feetech's FT-SCS protocol in the STS/SMS variant: encodes and decodes packets; pure, without I/O or clock.

A frame is `FF FF ID LEN CODE parameters CHECKSUM`; LEN counts everything after itself, the checksum is the complement
of the sum from ID to the last parameter. CODE is the instruction in a frame to a motor, and the error byte in a frame
from a motor; the frame itself does not tell which. Words are little-endian (the SCS series is big-endian). There is no
byte stuffing. Source: Feetech, STS communication protocol manual; `scservo_sdk`.
"""

from dataclasses import dataclass
from enum import IntEnum, IntFlag

from sim2real.hardware.bus.framing import StreamDecoder
from sim2real.hardware.errors import ProtocolError

HEADER = b"\xff\xff"
BROADCAST = 254
ID_MAX = 253

PARAMETERS_MAX = 253
"""Largest number of parameters: LEN is one byte."""
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
    """Resets to factory values."""
    REBOOT = 0x08
    CLEAR_TURNS = 0x0A
    SYNC_READ = 0x82
    SYNC_WRITE = 0x83


class Alarm(IntFlag):
    """Bits of the error byte of a status packet, of Status (65), Unloading Condition (19) and LED Alarm Condition (20).

    They report faults of the motor. A motor never reports that it refused an instruction.
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
    """Instruction or error byte."""
    parameters: bytes


def checksum(data: bytes | bytearray | memoryview) -> int:
    """Return the checksum of the bytes from ID to the last parameter."""
    return ~sum(data) & 0xFF


def encode(id: int, code: int, parameters: bytes = b"") -> bytes:  # noqa: A002 - the protocol's own word
    """Return the frame of an instruction, or of a status packet, whose `code` is the error byte.

    Raises:
        ProtocolError: Invalid id or code, or more than `PARAMETERS_MAX` parameters.
    """
    if not 0 <= id <= BROADCAST or not 0 <= code <= 0xFF:
        raise ProtocolError(f"invalid id {id} or code {code}; valid: ids up to {BROADCAST}, codes up to 255")
    if len(parameters) > PARAMETERS_MAX:
        raise ProtocolError(f"{len(parameters)} parameters; at most {PARAMETERS_MAX}")
    body = bytes((id, len(parameters) + 2, code)) + parameters
    return HEADER + body + bytes((checksum(body),))


def decode(frame: bytes) -> Packet:
    """Return the packet in one frame. Raises ProtocolError unless it is exactly one intact frame."""
    if frame[:2] != HEADER:
        raise ProtocolError("no header FF FF")
    if len(frame) < _PREFIX or len(frame) != _frame_bytes(frame):
        raise ProtocolError(f"invalid id or length in a frame of {len(frame)} bytes")
    if not _intact(frame):
        raise ProtocolError("wrong checksum")
    return _packet(frame)


class Decoder(StreamDecoder[Packet]):
    """Finds packets in a byte stream.

    Limitation: the protocol has no byte stuffing, so a frame that contains a complete frame in its parameters is
    decoded as the inner frame. The decoder accepts this to avoid waiting for false headers.
    """

    HEADER = HEADER
    SIZED_BY = _PREFIX
    FRAME_BYTES_MAX = FRAME_BYTES_MAX

    def _size(self, head: bytes) -> int | None:
        return _frame_bytes(head)

    def _packet(self, frame: bytes) -> Packet | None:
        return _packet(frame) if _intact(frame) else None


def _frame_bytes(head: bytes) -> int | None:
    """Return the size of the frame that starts with these bytes; None if they start no frame."""
    motor, length = head[2], head[3]
    return None if motor == _NO_ID or length < 2 else _PREFIX + length


def _intact(frame: bytes) -> bool:
    return sum(frame[2:]) & 0xFF == 0xFF


def _packet(frame: bytes) -> Packet:
    return Packet(frame[2], frame[4], frame[_PARAMETERS_AT:-1])
