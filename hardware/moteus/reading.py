"""The query of every tick, and the reading in its reply."""

import math
import struct
from typing import NamedTuple

from sim2real.hardware.errors import ProtocolError
from sim2real.hardware.moteus.frame import Kind, Resolution, encode_head, scaled
from sim2real.hardware.moteus.tables import Unit

_POSITION, _VOLTAGE = 0x001, 0x00D

QUERY = (
    encode_head(Kind.READ, 0x000, 1, Resolution.INT8)
    + encode_head(Kind.READ, _POSITION, 3, Resolution.FLOAT)
    + encode_head(Kind.READ, _VOLTAGE, 3, Resolution.INT16)
)
"""Query for mode; position, velocity and torque as floats; voltage, temperature and fault."""

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
    voltage: float
    temperature: float


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
