"""Frames of the WitMotion standard protocol: encodes and decodes them; pure, without I/O or clock.

The unit periodically sends frames of 11 bytes: `55 TYPE data(8) SUM`. SUM is the low byte of the sum of the ten bytes
before it; data are four little-endian int16. The host sends commands of 5 bytes, without a checksum:
`FF AA REGISTER low high`. Sources: WitMotion, WT901 datasheet v20-0702, sections 5.1 and 5.2;
WitStandardProtocol_JY901, `REG.h` and `wit_c_sdk.c`.
"""

import math
import struct
from dataclasses import dataclass
from enum import IntEnum, IntFlag
from typing import NamedTuple

from sim2real.hardware.errors import ProtocolError
from sim2real.hardware.imu.sample import Quaternion, Vector

HEADER = 0x55
FRAME_BYTES = 11
COMMAND_HEADER = b"\xff\xaa"
COMMAND_BYTES = 5

RESTART = 0xFF
"""Written to SAVE, it restarts the unit (SAVE_SWRST of the vendor's SDK)."""

UNLOCK_KEY = 0xB588
"""Written to KEY, it unlocks the registers for 10 s (WIT Standard Communication Protocol)."""

STANDARD_GRAVITY = 9.80665
"""m/s² (CGPM 1901); the datasheet's formula has 9.8, with two digits."""

ACCELERATION_RANGE = 16.0 * STANDARD_GRAVITY
RATE_RANGE = math.radians(2000.0)
"""rad/s"""

_FULL_SCALE = 32768
_DATA = struct.Struct("<4h")


class FrameType(IntEnum):
    """Second byte of a frame."""

    TIME = 0x50
    ACCELERATION = 0x51
    ANGULAR_VELOCITY = 0x52
    ANGLE = 0x53
    MAGNETIC_FIELD = 0x54
    PORTS = 0x55
    PRESSURE = 0x56
    POSITION = 0x57
    GROUND_SPEED = 0x58
    QUATERNION = 0x59
    SATELLITES = 0x5A
    REGISTERS = 0x5F
    """Reply to READ_ADDRESS: four registers, starting at the requested one."""


_TYPES = frozenset(int(kind) for kind in FrameType)


class Content(IntFlag):
    """Bits of the register RETURN_CONTENT: the frames to send, in the order of their types."""

    TIME = 0x001
    ACCELERATION = 0x002
    ANGULAR_VELOCITY = 0x004
    ANGLE = 0x008
    MAGNETIC_FIELD = 0x010
    PORTS = 0x020
    PRESSURE = 0x040
    POSITION = 0x080
    GROUND_SPEED = 0x100
    QUATERNION = 0x200
    SATELLITES = 0x400

    @property
    def frame_type(self) -> FrameType:
        """Frame type of a single bit."""
        return FrameType(FrameType.TIME + self.value.bit_length() - 1)


class Register(IntEnum):
    """Registers, each 16 bits wide."""

    SAVE = 0x00
    """Write 0 to save the settings, 1 to reset them to factory values, 0xFF to restart."""
    RETURN_CONTENT = 0x02
    RETURN_RATE = 0x03
    BAUD = 0x04
    READ_ADDRESS = 0x27
    """Write a register number to get the values of this register and the next three."""
    KEY = 0x69


RATE_CODES = {
    0.2: 0x01,
    0.5: 0x02,
    1.0: 0x03,
    2.0: 0x04,
    5.0: 0x05,
    10.0: 0x06,
    20.0: 0x07,
    50.0: 0x08,
    100.0: 0x09,
    200.0: 0x0B,
}
"""Values of RETURN_RATE by samples per second. 0x0A is 125 Hz on one model only, 0x0C sends once, 0x0D never."""

BAUD_CODES = {
    4800: 1,
    9600: 2,
    19200: 3,
    38400: 4,
    57600: 5,
    115200: 6,
    230400: 7,
    460800: 8,
    921600: 9,
}
"""Values of BAUD by bit/s."""


class Frame(NamedTuple):
    """One frame from the unit: a tuple, as a dozen arrive in a tick, and a frozen dataclass takes longer to make."""

    type: int
    """A value of `FrameType`."""
    data: bytes
    """Eight bytes, as sent."""
    joined: bool = True
    """Whether it follows the frame before it without a byte between them."""

    @property
    def values(self) -> tuple[int, int, int, int]:
        """The data as four int16: decoded here, as of the frames in a tick only the newest are looked at."""
        return _DATA.unpack(self.data)


@dataclass(frozen=True, slots=True)
class Command:
    """One command from the host."""

    register: int
    value: int


def encode(kind: int, values: tuple[int, int, int, int]) -> bytes:
    """Encode a frame. Raises ProtocolError if a value is not an int16 or the type is unknown."""
    if kind not in _TYPES:
        raise ProtocolError(f"no frame type {kind:#x}")
    try:
        body = bytes((HEADER, kind)) + _DATA.pack(*values)
    except struct.error as error:
        raise ProtocolError(f"values {values} are not int16") from error
    return body + bytes((sum(body) & 0xFF,))


def decode(frame: bytes) -> Frame:
    """Decode one frame. Raises ProtocolError unless it is exactly one intact frame."""
    if len(frame) != FRAME_BYTES or frame[0] != HEADER or frame[1] not in _TYPES:
        raise ProtocolError("not a frame 55 TYPE data SUM of 11 bytes")
    if sum(frame[:-1]) & 0xFF != frame[-1]:
        raise ProtocolError("wrong sum")
    return Frame(frame[1], frame[2:10])


def encode_command(register: int, value: int) -> bytes:
    """Encode a command. Raises ProtocolError if the register is not a byte or the value not a uint16."""
    if not 0 <= register <= 0xFF:
        raise ProtocolError(f"no register {register}")
    if not 0 <= value <= 0xFFFF:
        raise ProtocolError(f"register value {value} is outside 0 to 65535")
    return COMMAND_HEADER + bytes((register, value & 0xFF, value >> 8))


def acceleration(values: tuple[int, int, int, int]) -> Vector:
    """Return the acceleration in a frame, m/s²; the fourth value is a temperature."""
    return _scaled(values, ACCELERATION_RANGE)


def angular_velocity(values: tuple[int, int, int, int]) -> Vector:
    """Return the angular velocity in a frame, rad/s."""
    return _scaled(values, RATE_RANGE)


def angle(values: tuple[int, int, int, int]) -> Vector:
    """Return roll, pitch and yaw in an angle frame, rad."""
    return _scaled(values, math.pi)


def quaternion(values: tuple[int, int, int, int]) -> Quaternion:
    """Return the quaternion w x y z in a frame; its norm deviates from 1 by the unit's rounding."""
    w, x, y, z = values
    return w / _FULL_SCALE, x / _FULL_SCALE, y / _FULL_SCALE, z / _FULL_SCALE


def counts(value: float, full_scale: float) -> int:
    """Return the int16 that a unit with this range sends for a value; clipped to the range."""
    return max(-_FULL_SCALE, min(_FULL_SCALE - 1, round(value / full_scale * _FULL_SCALE)))


class Decoder:
    """Finds frames in a byte stream that arrives in chunks of any size and may be damaged.

    If a header with a known type is not followed by a frame with the right sum, the search continues at the next byte.
    So a cut-off frame or a false header never delays an intact frame after it, unless the sum of a false frame is right
    by chance. Keeps at most ten bytes, and reads each byte at most eleven times.

    Attributes:
        discarded: Bytes that belonged to no frame.
        corrupt: Discarded headers that were followed by a known type.
    """

    def __init__(self) -> None:
        self.discarded = 0
        self.corrupt = 0
        self._rest = b""
        self._counted = 0  # discarded bytes at the last frame

    @property
    def pending(self) -> int:
        """Number of buffered bytes of incomplete frames."""
        return len(self._rest)

    def feed(self, data: bytes | bytearray | memoryview) -> list[Frame]:
        """Feed received bytes; return the frames they complete, in order."""
        buffer = self._rest + bytes(data)
        frames: list[Frame] = []
        at, end = 0, len(buffer)
        while True:
            if end - at < FRAME_BYTES or buffer[at] != HEADER:
                start = buffer.find(HEADER, at)
                if start < 0:
                    start = end
                self.discarded += start - at
                at = start
                if end - at < 2:
                    break
            kind = buffer[at + 1]
            if kind not in _TYPES:
                self.discarded += 1
                at += 1
            elif end - at < FRAME_BYTES:
                break
            elif sum(buffer[at : at + FRAME_BYTES - 1]) & 0xFF != buffer[at + FRAME_BYTES - 1]:
                self.corrupt += 1
                self.discarded += 1
                at += 1
            else:
                joined = self.discarded == self._counted
                self._counted = self.discarded
                frames.append(Frame(kind, buffer[at + 2 : at + 10], joined))
                at += FRAME_BYTES
        self._rest = buffer[at:]
        return frames

    def reset(self) -> None:
        """Discard an incomplete frame."""
        self._rest = b""


class CommandDecoder:
    """Finds commands in the host's bytes; there is no checksum, so any bytes after a header are a command."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[Command]:
        """Feed received bytes; return the commands they complete, in order. Keeps at most four bytes."""
        buffer = self._rest + data
        commands: list[Command] = []
        at = 0
        while True:
            start = buffer.find(COMMAND_HEADER, at)
            if start < 0:
                # The last byte may be the first of a header.
                self._rest = buffer[-1:] if buffer[at:].endswith(COMMAND_HEADER[:1]) else b""
                return commands
            if len(buffer) - start < COMMAND_BYTES:
                self._rest = buffer[start:]
                return commands
            commands.append(Command(buffer[start + 2], buffer[start + 3] | buffer[start + 4] << 8))
            at = start + COMMAND_BYTES

    def reset(self) -> None:
        """Discard an incomplete command."""
        self._rest = b""


def _scaled(values: tuple[int, int, int, int], full_scale: float) -> Vector:
    factor = full_scale / _FULL_SCALE
    return values[0] * factor, values[1] * factor, values[2] * factor
