"""Frames of Dynamixel Protocol 2.0: bytes to packets and back, without input, output or clock.

A frame is `FF FF FD 00 ID LENl LENh INST parameters CRCl CRCh`; LEN counts everything after itself. Status packets have
INST 0x55 and an error byte before their parameters. Source: ROBOTIS e-Manual, DYNAMIXEL Protocol 2.0.

Byte stuffing. A sender follows each FF FF FD after LEN by an extra FD, counted in LEN and CRC, so that no header
appears inside a packet. dynamixel-sdk 4.1 does not do so for what it sends, and fast status packets are not stuffed by
definition. LEN and CRC cover the bytes as sent, so they say where a packet ends and that it is whole without any look
at the stuffing; only then is the stuffing taken out. A sender stuffs everywhere or nowhere: one FF FF FD without its FD
shows that it does not, and the parameters are taken as they are, with `Packet.unstuffed` set. What cannot be told apart
is data FF FF FD FD of a sender that does not stuff, when the packet holds no other FF FF FD; it is read as the standard
says.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from fastcrc.crc16 import umts as crc16

from sim2real.hardware.bus.framing import StreamDecoder
from sim2real.hardware.errors import ProtocolError

HEADER = b"\xff\xff\xfd\x00"
BROADCAST = 254
ID_MAX = 252
ALERT = 0x80
"""Bit of the error byte: Hardware Error Status (70) of the motor is not zero."""

FRAME_BYTES_MAX = 2048
"""Longest frame: a sync write of 5 bytes to 253 motors fits, however stuffed; the vendor's library stops at 1024."""

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
    """One packet, its stuffing taken out."""

    id: int
    instruction: int
    """A value of `Instruction`, or an unknown byte, which a motor answers with an error."""
    error: int | None
    """Error byte of a status packet; None for instructions. Of a fast status packet: that of its first motor."""
    parameters: bytes
    unstuffed: bool
    """Whether the parameters hold an FF FF FD that the sender did not stuff."""
    intact: bool = True
    """False for an instruction with a wrong CRC, which only a decoder at a motor's end reports; without parameters."""


def encode(id: int, instruction: int, parameters: bytes = b"") -> bytes:  # noqa: A002 - the protocol's own word
    """Return the frame of an instruction packet. Raises ProtocolError if it is longer than `FRAME_BYTES_MAX`."""
    return _frame(id, (bytes((instruction,)) + parameters).replace(_MARK, _STUFFED))


def encode_status(id: int, error: int, parameters: bytes = b"") -> bytes:  # noqa: A002 - the protocol's own word
    """Return the frame of a status packet. Raises ProtocolError if it is longer than `FRAME_BYTES_MAX`."""
    return _frame(id, (bytes((Instruction.STATUS, error)) + parameters).replace(_MARK, _STUFFED))


def encode_fast_status(replies: Sequence[tuple[int, int, bytes]]) -> bytes:
    """Return the one packet with which motors answer a fast sync or fast bulk read.

    It has ID FE and after INST one group `ERR ID data CRC` for each motor. Each CRC covers everything before it, so the
    last is that of the whole packet. It is not stuffed.

    Args:
        replies: Id, error byte and data of each motor, in the order of the request.

    Raises:
        ProtocolError: The packet would be longer than `FRAME_BYTES_MAX`.
    """
    length = 1 + sum(4 + len(data) for _, _, data in replies)
    if length > _LENGTH_MAX:
        raise ProtocolError(f"packet of {length} bytes, at most {_LENGTH_MAX} fit")
    frame = bytearray(HEADER + bytes((BROADCAST, length & 0xFF, length >> 8, Instruction.STATUS)))
    for motor, error, data in replies:
        frame += bytes((error, motor)) + data
        frame += crc16(bytes(frame)).to_bytes(2, "little")
    return bytes(frame)


def fast_replies(frame: bytes, data_length: int) -> list[tuple[int, int, bytes]]:
    """Return id, error byte and data of the first motors in a fast status packet, as far as its CRCs are right.

    The packet may be cut short: when a motor falls silent, those before it have already been heard.

    Args:
        frame: Bytes from the header on.
        data_length: Bytes of data of each motor.
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
    """Return id, error byte and data of each motor in a fast status packet; every cumulative CRC is checked.

    Args:
        packet: As it came out of `decode` or a `Decoder`.
        count: Motors that were asked.
        data_length: Bytes of data of each motor.

    Raises:
        ProtocolError: It is no fast status packet of this form, or a CRC in it is wrong.
    """
    if packet.id != BROADCAST or packet.error is None or 1 + len(packet.parameters) + 2 != count * (data_length + 4):
        raise ProtocolError(f"no fast status packet of {count} motors with {data_length} bytes each")
    body = bytes((Instruction.STATUS, packet.error)) + packet.parameters
    replies = fast_replies(_frame(BROADCAST, body), data_length)
    if len(replies) != count:
        raise ProtocolError(f"wrong CRC after {len(replies)} of {count} motors of a fast status packet")
    return replies


def decode(frame: bytes) -> Packet:
    """Return the packet in one whole frame. Raises ProtocolError if it is not exactly that."""
    if frame[:4] != HEADER:
        raise ProtocolError("no header FF FF FD 00")
    size = _frame_bytes(frame)
    if size is None or size != len(frame):
        raise ProtocolError(f"id, length or instruction not valid in a frame of {len(frame)} bytes")
    if not _intact(frame):
        raise ProtocolError("wrong CRC")
    return _packet(frame)


class Decoder(StreamDecoder[Packet]):
    """Finds packets in a stream of any bytes. Intact stuffed frames hold no second header.

    Fast status packets (ID FE) come out like any other, with `error` the first motor's and `parameters` the bytes after
    it, all but the final CRC, as they were sent: give the packet to `decode_fast_status`.
    """

    HEADER = HEADER
    SIZED_BY = _PREFIX + 1  # the instruction byte, too, says what lengths are possible
    FRAME_BYTES_MAX = FRAME_BYTES_MAX

    def __init__(self, report_damage: bool = False) -> None:
        """Begin with an empty buffer.

        Args:
            report_damage: Whether instructions with a wrong CRC come out too, marked; motors answer them.
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
        raise ProtocolError(f"packet of {length} bytes, at most {_LENGTH_MAX} fit")
    frame = HEADER + bytes((id, length & 0xFF, length >> 8)) + body
    return frame + crc16(frame).to_bytes(2, "little")


def _frame_bytes(head: bytes) -> int | None:
    """Return the size of the frame that begins like this, None if no frame does."""
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
    """Return the packet of a frame that has been checked."""
    motor, instruction, body = frame[4], frame[_PREFIX], frame[_PREFIX:-2]
    marks = body.count(_MARK)
    fast = instruction == Instruction.STATUS and motor == BROADCAST
    unstuffed = marks > 0 and not fast and body.count(_STUFFED) < marks
    if marks and not fast and not unstuffed:
        body = body.replace(_STUFFED, _MARK)
    if instruction == Instruction.STATUS:
        return Packet(motor, instruction, body[1], body[2:], unstuffed)
    return Packet(motor, instruction, None, body[1:], unstuffed)
