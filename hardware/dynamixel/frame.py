"""Frames of Dynamixel Protocol 2.0: encodes and decodes packets; pure, without I/O or clock.

A frame is `FF FF FD 00 ID LENl LENh INST parameters CRCl CRCh`; LEN counts everything after itself. Status packets have
INST 0x55 and an error byte before their parameters. Source: ROBOTIS e-Manual, DYNAMIXEL Protocol 2.0.

Byte stuffing. A sender adds an FD after each FF FF FD that follows LEN, counted in LEN and CRC, so that no header
appears inside a packet. dynamixel-sdk 4.1 sends unstuffed packets, and fast status packets are unstuffed by definition.
LEN and CRC cover the bytes as sent, so the decoder finds the end of a packet and checks it first, and removes the
stuffing afterwards. A sender stuffs always or never: one FF FF FD without an extra FD shows that it never does. The
parameters are then kept as they are, and `Packet.unstuffed` is set. One case is ambiguous: FF FF FD FD from a sender
that does not stuff, in a packet without another FF FF FD. It is decoded as the standard says.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum

from fastcrc.crc16 import umts as crc16

from sim2real.hardware.bus.framing import StreamDecoder
from sim2real.hardware.errors import ProtocolError

HEADER = b"\xff\xff\xfd\x00"
BROADCAST = 254
ID_MAX = 252
ALERT = 0x80
"""Bit of the error byte: the motor's Hardware Error Status (70) is not zero."""

FRAME_BYTES_MAX = 2048
"""Longest frame: fits a sync write of 5 bytes to 253 motors with any stuffing; the vendor's library allows 1024."""

_MARK = b"\xff\xff\xfd"
_STUFFED = b"\xff\xff\xfd\xfd"
_PREFIX = 7  # header, id, LEN
_LENGTH_MAX = FRAME_BYTES_MAX - _PREFIX


class Instruction(IntEnum):
    """Instruction bytes."""

    PING = 0x01
    READ = 0x02
    WRITE = 0x03
    REG_WRITE = 0x04
    ACTION = 0x05
    FACTORY_RESET = 0x06
    REBOOT = 0x08
    CLEAR = 0x10
    BACKUP = 0x20
    STATUS = 0x55
    SYNC_READ = 0x82
    SYNC_WRITE = 0x83
    FAST_SYNC_READ = 0x8A
    BULK_READ = 0x92
    BULK_WRITE = 0x93
    FAST_BULK_READ = 0x9A


class StatusError(IntEnum):
    """Low seven bits of the error byte of a status packet."""

    RESULT_FAIL = 1
    INSTRUCTION = 2
    CRC = 3
    DATA_RANGE = 4
    DATA_LENGTH = 5
    DATA_LIMIT = 6
    ACCESS = 7


@dataclass(frozen=True, slots=True)
class Packet:
    """One packet, without byte stuffing."""

    id: int
    instruction: int
    """A value of `Instruction`, or an unknown byte, which a motor answers with an error."""
    error: int | None
    """Error byte of a status packet; None for instructions. In a fast status packet: the first motor's."""
    parameters: bytes
    unstuffed: bool
    """Whether the parameters contain an FF FF FD that the sender did not stuff."""
    intact: bool = True
    """False for an instruction with a wrong CRC, without parameters; only a decoder at the motors' end reports it."""


def encode(id: int, instruction: int, parameters: bytes = b"") -> bytes:  # noqa: A002 - the protocol's own word
    """Return the frame of an instruction packet. Raises ProtocolError if it is longer than `FRAME_BYTES_MAX`."""
    return _frame(id, (bytes((instruction,)) + parameters).replace(_MARK, _STUFFED))


def sync_write(address: int, data: Mapping[int, bytes]) -> bytes:
    """Return the frame that writes a block of the same length to several motors, by id; it gets no reply."""
    length = len(next(iter(data.values())))
    block = address.to_bytes(2, "little") + length.to_bytes(2, "little")
    return encode(
        BROADCAST, Instruction.SYNC_WRITE, block + b"".join(bytes((motor,)) + own for motor, own in data.items())
    )


def encode_status(id: int, error: int, parameters: bytes = b"") -> bytes:  # noqa: A002 - the protocol's own word
    """Return the frame of a status packet. Raises ProtocolError if it is longer than `FRAME_BYTES_MAX`."""
    return _frame(id, (bytes((Instruction.STATUS, error)) + parameters).replace(_MARK, _STUFFED))


def encode_fast_status(replies: Sequence[tuple[int, int, bytes]]) -> bytes:
    """Return the single packet with which motors answer a fast sync or fast bulk read.

    It has ID FE and, after INST, one group `ERR ID data CRC` for each motor. Each CRC covers everything before it, so
    the last one covers the whole packet. It is not stuffed.

    Args:
        replies: Id, error byte and data of each motor, in the order of the request.

    Raises:
        ProtocolError: The packet would be longer than `FRAME_BYTES_MAX`.
    """
    length = 1 + sum(4 + len(data) for _, _, data in replies)
    if length > _LENGTH_MAX:
        raise ProtocolError(f"packet of {length} bytes, at most {_LENGTH_MAX}")
    frame = bytearray(HEADER + bytes((BROADCAST, length & 0xFF, length >> 8, Instruction.STATUS)))
    for motor, error, data in replies:
        frame += bytes((error, motor)) + data
        frame += crc16(bytes(frame)).to_bytes(2, "little")
    return bytes(frame)


def fast_replies(frame: bytes, data_length: int) -> list[tuple[int, int, bytes]]:
    """Return id, error byte and data of the motors in a fast status packet, up to the first wrong CRC.

    The packet may be cut off: if a motor does not answer, the replies of the motors before it have already arrived.

    Args:
        frame: Bytes, starting with the header.
        data_length: Data bytes per motor.
    """
    found: list[tuple[int, int, bytes]] = []
    start, group = _PREFIX + 1, data_length + 4
    if frame[:5] != HEADER + bytes((BROADCAST,)) or frame[_PREFIX:start] != bytes((Instruction.STATUS,)):
        return found
    end = min(len(frame), _PREFIX + int.from_bytes(frame[5:7], "little"))
    crc = crc16(frame[:start])
    while start + group <= end:
        crc = crc16(frame[start : start + group - 2], crc)
        sent = frame[start + group - 2 : start + group]
        if crc.to_bytes(2, "little") != sent:
            break
        found.append((frame[start + 1], frame[start], frame[start + 2 : start + group - 2]))
        crc = crc16(sent, crc)
        start += group
    return found


def decode_fast_status(packet: Packet, count: int, data_length: int) -> list[tuple[int, int, bytes]]:
    """Return id, error byte and data of each motor in a fast status packet, after checking every cumulative CRC.

    Args:
        packet: A packet from `decode` or a `Decoder`.
        count: Number of requested motors.
        data_length: Data bytes per motor.

    Raises:
        ProtocolError: It is not a fast status packet of this format, or a CRC in it is wrong.
    """
    if packet.id != BROADCAST or packet.error is None or 1 + len(packet.parameters) + 2 != count * (data_length + 4):
        raise ProtocolError(f"not a fast status packet of {count} motors with {data_length} bytes each")
    body = bytes((Instruction.STATUS, packet.error)) + packet.parameters
    replies = fast_replies(_frame(BROADCAST, body), data_length)
    if len(replies) != count:
        raise ProtocolError(f"wrong CRC after {len(replies)} of {count} motors of a fast status packet")
    return replies


def decode(frame: bytes) -> Packet:
    """Return the packet in one frame. Raises ProtocolError unless it is exactly one intact frame."""
    if frame[:4] != HEADER:
        raise ProtocolError("no header FF FF FD 00")
    size = _frame_bytes(frame)
    if size is None or size != len(frame):
        raise ProtocolError(f"invalid id, length or instruction in a frame of {len(frame)} bytes")
    if not _intact(frame):
        raise ProtocolError("wrong CRC")
    return _packet(frame)


class Decoder(StreamDecoder[Packet]):
    """Finds packets in a byte stream. Intact stuffed frames contain no second header.

    Fast status packets (ID FE) are returned like others: `error` is the first motor's, `parameters` are the bytes after
    it except the final CRC, as sent. Pass them to `decode_fast_status`.
    """

    HEADER = HEADER
    SIZED_BY = _PREFIX + 1  # the valid lengths also depend on the instruction byte
    FRAME_BYTES_MAX = FRAME_BYTES_MAX

    def __init__(self, report_damage: bool = False) -> None:
        """Start with an empty buffer.

        Args:
            report_damage: Whether to return instructions with a wrong CRC too, as not intact; motors answer them.
        """
        super().__init__()
        self._report_damage = report_damage

    def _size(self, head: bytes) -> int | None:
        return _frame_bytes(head)

    def _packet(self, frame: bytes) -> Packet | None:
        return _packet(frame) if _intact(frame) else None

    def _damaged(self, frame: bytes) -> Packet | None:
        if not self._report_damage or frame[_PREFIX] == Instruction.STATUS:
            return None
        return Packet(frame[4], frame[_PREFIX], None, b"", False, intact=False)


def _frame(id: int, body: bytes) -> bytes:  # noqa: A002 - the protocol's own word
    length = len(body) + 2
    if length > _LENGTH_MAX:
        raise ProtocolError(f"packet of {length} bytes, at most {_LENGTH_MAX}")
    frame = HEADER + bytes((id, length & 0xFF, length >> 8)) + body
    return frame + crc16(frame).to_bytes(2, "little")


def _frame_bytes(head: bytes) -> int | None:
    """Return the size of the frame that starts with these bytes; None if they start no frame."""
    if len(head) <= _PREFIX:
        return None
    length = head[5] | head[6] << 8
    shortest = 4 if head[_PREFIX] == Instruction.STATUS else 3
    if not (head[4] <= ID_MAX or head[4] == BROADCAST) or not shortest <= length <= _LENGTH_MAX:
        return None
    return _PREFIX + length


def _intact(frame: bytes) -> bool:
    return crc16(frame[:-2]) == int.from_bytes(frame[-2:], "little")


def _packet(frame: bytes) -> Packet:
    """Return the packet of a valid frame."""
    motor, instruction, body = frame[4], frame[_PREFIX], frame[_PREFIX:-2]
    marks = body.count(_MARK)
    fast = instruction == Instruction.STATUS and motor == BROADCAST
    unstuffed = marks > 0 and not fast and body.count(_STUFFED) < marks
    if marks and not fast and not unstuffed:
        body = body.replace(_STUFFED, _MARK)
    if instruction == Instruction.STATUS:
        return Packet(motor, instruction, body[1], body[2:], unstuffed)
    return Packet(motor, instruction, None, body[1:], unstuffed)
