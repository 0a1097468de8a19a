"""Telemetry channels of an emulated moteus: schema and data as the diagnostic protocol sends them, in binary.

Source: moteus documentation, diagnostic protocol (`tel schema`, `tel get`), and mjlib's telemetry serialization: a
channel is an object; each field has flags, name, aliases, type and perhaps a default; a final field ends it.
"""

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from sim2real.hardware.moteus.tables import Mode

_FINAL, _BOOLEAN, _FIXED_INT, _FIXED_UINT, _FLOAT32, _OBJECT, _ENUM, _FIXED_ARRAY = 0, 2, 3, 4, 7, 16, 17, 19

Read = Callable[[str], float]
"""Returns a register by name, unscaled."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a channel."""

    name: str
    type: bytes
    """Its type in the schema."""
    data: Callable[[Read], bytes]


def _number(code: str, register: str) -> Callable[[Read], bytes]:
    def data(read: Read) -> bytes:
        value = read(register)
        return struct.pack(f"<{code}", value if code == "f" else int(value))

    return data


def _unsigned(name: str, register: str) -> Field:
    return Field(name, bytes((_FIXED_UINT, 4)), lambda read: (int(read(register)) & 0xFFFFFFFF).to_bytes(4, "little"))


def _float(name: str, register: str) -> Field:
    return Field(name, bytes((_FLOAT32,)), _number("f", register))


def _string(text: str) -> bytes:
    return bytes((len(text),)) + text.encode("ascii")


def _serial_number(read: Read) -> bytes:
    words = (int(read(f"serial_number_{word}")) & 0xFFFFFFFF for word in (1, 2, 3))
    return b"".join(word.to_bytes(4, "little") for word in words)


_MODES = bytes((_ENUM, _FIXED_UINT, 4, len(Mode))) + b"".join(
    int(mode).to_bytes(4, "little") + _string(f"k{mode.name.title().replace('_', '')}") for mode in Mode
)

_GIT_HASH = bytes(20)  # of no build: these are models of a firmware

CHANNELS: Final[Mapping[str, tuple[Field, ...]]] = {
    "firmware": (
        _unsigned("version", "firmware_version"),
        Field("serial_number", bytes((_FIXED_ARRAY, 3, _FIXED_UINT, 4)), _serial_number),
        _unsigned("model", "model_number"),
    ),
    "git": (
        Field("hash", bytes((_FIXED_ARRAY, len(_GIT_HASH), _FIXED_UINT, 1)), lambda read: _GIT_HASH),
        Field("dirty", bytes((_BOOLEAN,)), lambda read: b"\0"),
        Field("timestamp", bytes((_FIXED_UINT, 8)), lambda read: bytes(8)),
    ),
    "servo_stats": (
        Field("mode", _MODES, _number("I", "mode")),
        Field("fault", bytes((_FIXED_INT, 4)), _number("i", "fault")),
        _float("q_A", "q_current"),
        _float("bus_V", "voltage"),
        _float("filt_bus_V", "voltage"),
        _float("fet_temp_C", "temperature"),
        _float("motor_temp_C", "motor_temperature"),
        _float("position", "position"),
        _float("velocity", "velocity"),
        _float("torque_Nm", "torque"),
        _float("control_position", "control_position"),
        _float("control_velocity", "control_velocity"),
        _float("position_error", "position_error"),
        _float("velocity_error", "velocity_error"),
    ),
}
"""The channels that tools read from a controller which works."""


def schema(channel: str) -> bytes:
    """Return the schema of a channel."""
    fields = b"".join(b"\0" + _string(field.name) + b"\0" + field.type + b"\0" for field in CHANNELS[channel])
    return bytes((_OBJECT, 0)) + fields + b"\0" + _string("") + bytes((0, _FINAL, 0))


def sample(channel: str, read: Read) -> bytes:
    """Return the present data of a channel."""
    return b"".join(field.data(read) for field in CHANNELS[channel])
