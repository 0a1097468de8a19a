"""Register subframes of the moteus multiplex protocol in CAN-FD frames; pure and bounded.

Source: mjlib multiplex protocol and moteus documentation, protocol. A frame is a sequence of subframes; an invalid
subframe ends it, and the subframes before it are valid.
"""

import math
import struct
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum

from sim2real.hardware.errors import ProtocolError

NOP = 0x50
WRITE_ERROR, READ_ERROR = 0x30, 0x31
CLIENT_DATA, SERVER_DATA, CLIENT_POLL = 0x40, 0x41, 0x42
REGISTERS_MAX = 64
"""Largest number of registers in one subframe: a reply of 64 bytes has no room for more."""

_VARUINT_BYTES_MAX = 5
_SHORT_COUNT_MAX = 3
_COUNT_BITS, _RESOLUTION_SHIFT = 0b11, 2


class Resolution(IntEnum):
    """Encoding of a register value, in the order of the protocol's type bits."""

    INT8 = 0
    INT16 = 1
    INT32 = 2
    FLOAT = 3


class Kind(IntEnum):
    """Type of a subframe; for registers, the upper half of its first byte."""

    WRITE = 0x00
    READ = 0x10
    REPLY = 0x20
    WRITE_ERROR = WRITE_ERROR
    READ_ERROR = READ_ERROR
    CLIENT_DATA = CLIENT_DATA
    SERVER_DATA = SERVER_DATA
    CLIENT_POLL = CLIENT_POLL


_REGISTER_KINDS = (Kind.WRITE, Kind.READ, Kind.REPLY)
CODES = tuple(struct.Struct(code) for code in ("<b", "<h", "<i", "<f"))
"""Encoding of one value, by resolution."""

LARGEST = (127, 32767, 2147483647)
"""Largest integer, by resolution. The smallest, -LARGEST - 1, means NaN."""


@dataclass(frozen=True, slots=True)
class Subframe:
    """One register in a frame, or one part of the diagnostic stream."""

    kind: Kind
    register: int
    """Register; for streams, the channel."""
    resolution: Resolution = Resolution.INT8
    value: float = 0.0
    """Unscaled value as in the frame: an integer unless the resolution is FLOAT. For errors the error code, for polls
    the longest reply."""
    data: bytes = b""
    """Data of the stream."""
    first: bool = True
    """Whether it is the first register of its subframe; a reply has the same subframes as the query."""


def whole(value: float, resolution: Resolution, scale: float) -> float:
    """Encode a value for a frame: clipped to the largest integer, NaN as the smallest.

    Truncates toward zero, like the firmware and the vendor's library.
    """
    if resolution == Resolution.FLOAT:
        return value
    largest = LARGEST[resolution]
    if not math.isfinite(value):
        return -largest - 1
    return int(min(max(value / scale, -largest), largest))


def scaled(value: float, resolution: Resolution, scale: float) -> float:
    """Decode a number from a frame; the smallest integer is NaN."""
    if resolution == Resolution.FLOAT:
        return value
    return math.nan if value == -LARGEST[resolution] - 1 else value * scale


def encode_varuint(value: int) -> bytes:
    """Encode a number in groups of seven bits, lowest first. Raises ProtocolError if it has more than 32 bits."""
    if not 0 <= value < 1 << 32:
        raise ProtocolError(f"{value} does not fit in 32 bits")
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def encode_head(kind: Kind, register: int, count: int, resolution: Resolution) -> bytes:
    """Return the first bytes of a subframe of `count` registers; a READ has no others. Raises ProtocolError."""
    if not 1 <= count <= REGISTERS_MAX:
        raise ProtocolError(f"{count} registers in one subframe; valid: 1 to {REGISTERS_MAX}")
    first = kind | resolution << _RESOLUTION_SHIFT
    if count <= _SHORT_COUNT_MAX:
        return bytes((first | count,)) + encode_varuint(register)
    return bytes((first,)) + encode_varuint(count) + encode_varuint(register)


def encode_values(kind: Kind, register: int, values: Sequence[float], resolution: Resolution) -> bytes:
    """Return a WRITE or REPLY of consecutive registers, with unscaled values. Raises ProtocolError."""
    code = CODES[resolution]
    try:
        packed = b"".join(map(code.pack, values))
    except (struct.error, OverflowError) as error:
        raise ProtocolError(f"a value of {list(values)} does not fit in {resolution.name}") from error
    return encode_head(kind, register, len(values), resolution) + packed


def encode_error(kind: Kind, register: int, code: int) -> bytes:
    """Return a WRITE_ERROR or READ_ERROR."""
    return bytes((kind,)) + encode_varuint(register) + encode_varuint(code)


def encode_stream(kind: Kind, channel: int, data: bytes) -> bytes:
    """Return a part of the diagnostic stream, CLIENT_DATA or SERVER_DATA."""
    return bytes((kind,)) + encode_varuint(channel) + encode_varuint(len(data)) + data


def subframes(data: bytes) -> Iterator[Subframe]:
    """Yield the registers and stream parts of a frame, in order.

    Raises:
        ProtocolError: The rest of the frame is invalid; the subframes yielded before are valid.
    """
    offset = 0
    while offset < len(data):
        first = data[offset]
        offset += 1
        if first == NOP:
            continue
        if first & 0xF0 in _REGISTER_KINDS:
            count, offset = (first & _COUNT_BITS, offset) if first & _COUNT_BITS else _varuint(data, offset)
            if count == 0:
                continue
            register, offset = _varuint(data, offset)
            offset = yield from _registers(data, offset, first, register, count)
        elif first in (WRITE_ERROR, READ_ERROR, CLIENT_POLL):
            register, offset = _varuint(data, offset)
            value, offset = _varuint(data, offset)
            yield Subframe(Kind(first), register, value=value)
        elif first in (CLIENT_DATA, SERVER_DATA):
            channel, offset = _varuint(data, offset)
            size, offset = _varuint(data, offset)
            if offset + size > len(data):
                raise ProtocolError("a subframe is cut off")
            yield Subframe(Kind(first), channel, data=data[offset : offset + size])
            offset += size
        else:
            raise ProtocolError(f"unknown subframe 0x{first:02x}")


def _registers(data: bytes, offset: int, first: int, register: int, count: int) -> Generator[Subframe, None, int]:
    """Yield the registers of one subframe; return the offset of the next subframe."""
    if count > REGISTERS_MAX:
        raise ProtocolError(f"{count} registers in one subframe; at most {REGISTERS_MAX}")
    kind, resolution = Kind(first & 0xF0), Resolution(first >> _RESOLUTION_SHIFT & 0b11)
    code = CODES[resolution]
    for number in range(register, register + count):
        value = 0.0
        if kind != Kind.READ:
            if offset + code.size > len(data):
                raise ProtocolError("a subframe is cut off")
            (value,) = code.unpack_from(data, offset)
            offset += code.size
        yield Subframe(kind, number, resolution, value, first=number == register)
    return offset


def _varuint(data: bytes, offset: int) -> tuple[int, int]:
    """Return a number and the offset after it."""
    value = 0
    for index, byte in enumerate(data[offset : offset + _VARUINT_BYTES_MAX]):
        value |= (byte & 0x7F) << 7 * index
        if byte < 0x80:
            return value, offset + index + 1
    raise ProtocolError("a number is cut off or too long")
