"""The queries of a tick, and the readings in their replies."""

import math
import struct
from typing import NamedTuple

from sim2real.hardware.errors import ProtocolError
from sim2real.hardware.moteus.frame import Kind, Resolution, encode_head, scaled
from sim2real.hardware.moteus.tables import Unit

_POSITION, _VOLTAGE, _FAULT, _MILLISECONDS = 0x001, 0x00D, 0x00F, 0x070

TICK_QUERY = (
    encode_head(Kind.READ, 0x000, 1, Resolution.INT8)
    + encode_head(Kind.READ, _POSITION, 3, Resolution.FLOAT)
    + encode_head(Kind.READ, _FAULT, 1, Resolution.INT8)
    + encode_head(Kind.READ, _MILLISECONDS, 1, Resolution.INT16)
)
"""Query for mode; position, velocity and torque as floats; fault; and the controller's clock, which tells of a restart.
With the sequence number the reply just fits in a frame of 32 bytes."""

QUERY = (
    encode_head(Kind.READ, 0x000, 1, Resolution.INT8)
    + encode_head(Kind.READ, _POSITION, 3, Resolution.FLOAT)
    + encode_head(Kind.READ, _VOLTAGE, 3, Resolution.INT16)
)
"""Query for mode; position, velocity and torque as floats; voltage, temperature and fault."""

_TICK_HEADS = tuple(
    encode_head(Kind.REPLY, register, 1 + 2 * (register == _POSITION), resolution)
    for register, resolution in (
        (0x000, Resolution.INT8),
        (_POSITION, Resolution.FLOAT),
        (_FAULT, Resolution.INT8),
        (_MILLISECONDS, Resolution.INT16),
    )
)
_TICK_LAYOUT = struct.Struct("<2sb2sfff2sb2sh")
_HEADS = tuple(
    encode_head(Kind.REPLY, register, count, resolution)
    for register, count, resolution in (
        (0x000, 1, Resolution.INT8),
        (_POSITION, 3, Resolution.FLOAT),
        (_VOLTAGE, 3, Resolution.INT16),
    )
)
_LAYOUT = struct.Struct("<2sb2sfff2shhh")


class Reading(NamedTuple):
    """One reply, in the controller's units at the output: rev, rev/s, N·m, V, °C."""

    mode: int
    fault: int
    position: float
    velocity: float
    torque: float
    voltage: float = math.nan
    temperature: float = math.nan
    clock_ms: int | None = None
    """Milliseconds since power-up, as 16 bits."""


def decode_tick(data: bytes) -> Reading:
    """Decode a reply to `TICK_QUERY`. Raises ProtocolError if it is invalid."""
    if len(data) < _TICK_LAYOUT.size:
        raise ProtocolError(f"a reply of {len(data)} bytes is too short")
    head, mode, head_3, position, velocity, torque, head_f, fault, head_c, clock_ms = _TICK_LAYOUT.unpack_from(data)
    if (head, head_3, head_f, head_c) != _TICK_HEADS:
        raise ProtocolError("reply to another query")
    if not (math.isfinite(velocity) and math.isfinite(torque)):
        raise ProtocolError("reply with values that are not finite")
    return Reading(mode, fault, position, velocity, torque, clock_ms=clock_ms)


def decode_reading(data: bytes) -> Reading:
    """Decode a reply to `QUERY`. Raises ProtocolError if it is invalid."""
    if len(data) < _LAYOUT.size:
        raise ProtocolError(f"a reply of {len(data)} bytes is too short")
    head, mode, head_3, position, velocity, torque, head_v, voltage, temperature, fault = _LAYOUT.unpack_from(data)
    if (head, head_3, head_v) != _HEADS:
        raise ProtocolError("reply to another query")
    if not (math.isfinite(velocity) and math.isfinite(torque)):
        raise ProtocolError("reply with values that are not finite")
    return Reading(
        mode,
        fault,
        position,
        velocity,
        torque,
        scaled(voltage, Resolution.INT16, Unit.VOLTAGE.scale(Resolution.INT16)),
        scaled(temperature, Resolution.INT16, Unit.TEMPERATURE.scale(Resolution.INT16)),
    )
