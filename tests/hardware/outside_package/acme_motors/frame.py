"""Frames: A5 5A, id, operation, number, size, payload, CRC-16 (CCITT), high byte first."""

from binascii import crc_hqx
from enum import IntEnum
from typing import NamedTuple

from sim2real.hardware.bus.framing import StreamDecoder

HEADER = b"\xa5\x5a"
EVERYONE = 0xFF
ID_MAX = 0x3F
REPLY = 0x80  # in the operation byte of a reply
_HEAD_BYTES, _CRC_BYTES = 6, 2


class Operation(IntEnum):
    PING = 1
    GET = 2  # index: value
    SET = 3  # index, value: replies with the value
    STATE = 4  # ids: one reply from each, in this order
    GOALS = 5  # id, value, and so on: no reply
    REBOOT = 6


class Packet(NamedTuple):
    id: int
    operation: int
    number: int
    """Sequence number of the request, repeated in its replies; a late reply has another one."""
    payload: bytes


def encode(packet: Packet) -> bytes:
    body = bytes((packet.id, packet.operation, packet.number, len(packet.payload))) + packet.payload
    return HEADER + body + crc_hqx(body, 0).to_bytes(2, "big")


class Decoder(StreamDecoder[Packet]):
    HEADER = HEADER
    SIZED_BY = _HEAD_BYTES
    FRAME_BYTES_MAX = _HEAD_BYTES + 255 + _CRC_BYTES

    def _size(self, head: bytes) -> int:
        return _HEAD_BYTES + head[5] + _CRC_BYTES

    def _packet(self, frame: bytes) -> Packet | None:
        body = frame[2:-_CRC_BYTES]
        if crc_hqx(body, 0).to_bytes(2, "big") != frame[-_CRC_BYTES:]:
            return None
        return Packet(body[0], body[1], body[2], body[4:])
