"""The firmware of an emulated WitMotion unit: registers and periodic samples.

Sensor figures from the WitMotion WT901C datasheet: gyro noise 0.028 to 0.07 °/s rms, acceleration noise 0.75 to 1 mg
rms, static orientation accuracy 0.05° for roll and pitch.
"""

import math

import numpy as np

from sim2real.hardware.clock import NS_PER_S
from sim2real.hardware.imu.mounting import multiply
from sim2real.hardware.imu.sample import Motion, Quaternion
from sim2real.hardware.witmotion.frame import (
    ACCELERATION_RANGE,
    BAUD_CODES,
    RATE_CODES,
    RATE_RANGE,
    RESTART,
    STANDARD_GRAVITY,
    UNLOCK_KEY,
    Command,
    CommandDecoder,
    Content,
    FrameType,
    Register,
    counts,
    encode,
)

RATE_NOISE = math.radians(0.05)
"""rad/s rms"""
RATE_BIAS = math.radians(0.05)
"""rad/s rms, drawn at power-up: the residual of the unit's calibration at rest; an estimate."""
ACCELERATION_NOISE = 1e-3 * STANDARD_GRAVITY
"""m/s² rms"""
ORIENTATION_NOISE = math.radians(0.02)
"""rad rms about each axis: below the static accuracy of 0.05°, most of which is constant; an estimate."""

DRIFT = math.radians(20.0)
"""Rate about x of the fault `imu_drifting`, rad/s: within what a robot does, and far beyond any bias."""

QUARTER_TURN: Quaternion = (math.sqrt(0.5), math.sqrt(0.5), 0.0, 0.0)
"""About x: how the fault `imu_rotated` turns the unit."""

SPIN = math.radians(500.0)
"""Rate about z that the fault `imu_spinning` adds, rad/s."""

_FACTORY = {
    int(Register.RETURN_CONTENT): int(
        Content.ACCELERATION | Content.ANGULAR_VELOCITY | Content.ANGLE | Content.MAGNETIC_FIELD
    ),
    int(Register.RETURN_RATE): RATE_CODES[10.0],
    int(Register.BAUD): BAUD_CODES[9600],
}
_REGISTERS = 0x90  # REGSIZE of the vendor's SDK
_UNLOCKED_NS = 10 * NS_PER_S
_SAVE, _FACTORY_RESET = 0x00, 0x01
_QUIET_CODE = 0x0D  # no periodic samples
_PERIODS_NS = {code: round(NS_PER_S / rate) for rate, code in RATE_CODES.items()}
_BAUDRATES = {code: rate for rate, code in BAUD_CODES.items()}
_TEMPERATURE = 2500  # 0.01 °C
_FIELD = (200, 0, -400)  # magnetic field counts; no driver uses them
_NO_NUMBERS = (-32768, -32768, -32768, -32768)
_NO_ORIENTATION = (0, 0, 0, 0)


class WitMotionUnit:
    """One unit, without its wire. Pure: time and motion are arguments; random numbers come from the seed.

    Attributes:
        baudrate: Baud rate at which it communicates, bit/s.
        fault: Kind of the present fault; empty if there is none.
    """

    def __init__(self, baudrate: int, seed: int = 0, baud_at_restart: bool = False) -> None:
        """Make a unit with factory settings except for the baud rate.

        Args:
            baudrate: bit/s; the nearest baud rate of the protocol is used.
            seed: Seed of bias and noise.
            baud_at_restart: Whether a new baud rate is in force after the next restart, not as soon as it is written.
        """
        self._baud_at_restart = baud_at_restart
        self._random = np.random.default_rng(seed)
        nearest = min(BAUD_CODES, key=lambda rate: abs(rate - baudrate))
        self._flash = _FACTORY | {int(Register.BAUD): BAUD_CODES[nearest]}
        self._memory: dict[int, int] = {}
        self._commands = CommandDecoder()
        self.fault = ""
        self._frozen: bytes = b""
        self.boot()

    def boot(self) -> None:
        """Restart as at power-up with the saved registers; the gyro has a new bias."""
        self._memory = dict(self._flash)
        self._baud_code = self._memory[Register.BAUD]
        self._locked_from_ns = -1
        self._bias = self._random.normal(0.0, RATE_BIAS, 3)
        self._commands.reset()

    @property
    def baudrate(self) -> int:
        """Baud rate at which it communicates, bit/s."""
        return _BAUDRATES[self._baud_code]

    @property
    def period_ns(self) -> int | None:
        """Configured sample period, ns; None if it does not send samples by itself."""
        return _PERIODS_NS.get(self._memory[Register.RETURN_RATE])

    def saved(self) -> dict[str, int]:
        """Return the saved registers, by register number in hexadecimal."""
        return {f"{register:#04x}": value for register, value in sorted(self._flash.items())}

    def restore(self, settings: dict[str, int]) -> None:
        """Save these registers and restart.

        Raises:
            ValueError: A register does not exist or its value is invalid.
        """
        restored = {int(register, 16): value for register, value in settings.items()}
        for register, value in restored.items():
            if not (0 <= register < _REGISTERS and 0 <= value <= 0xFFFF):
                raise ValueError(f"register {register:#x} cannot be {value}")
        if restored.get(Register.BAUD, BAUD_CODES[9600]) not in _BAUDRATES:
            raise ValueError(f"no baud rate has the code {restored[Register.BAUD]}")
        self._flash |= restored
        self.boot()

    def receive(self, data: bytes, now_ns: int) -> bytes:
        """Execute the commands that the host sent; return the reply."""
        return b"".join(self._execute(command, now_ns) for command in self._commands.feed(data))

    def interrupt(self) -> None:
        """Discard an incomplete command, because the line was interrupted."""
        self._commands.reset()

    def sample(self, motion: Motion, now_ns: int) -> bytes:
        """Return the frames of one sample.

        Args:
            motion: Motion of the unit, in its own frame.
            now_ns: Time, ns.
        """
        if self.fault == "imu_silent":
            return b""
        if self.fault == "imu_rotated":
            motion = _rotated(motion)
        content = Content(self._memory[Register.RETURN_CONTENT] & 0x7FF)
        if self.fault == "imu_frozen" and self._frozen:
            return self._frozen
        values = self._values(motion, now_ns)
        frames = b"".join(encode(kind, values.get(kind, (0, 0, 0, 0))) for kind in (bit.frame_type for bit in content))
        self._frozen = frames if self.fault == "imu_frozen" else b""
        return frames

    def _execute(self, command: Command, now_ns: int) -> bytes:
        register, value = command.register, command.value
        if register == Register.READ_ADDRESS:
            return self._answer(value)
        if register == Register.KEY:
            self._locked_from_ns = now_ns + _UNLOCKED_NS if value == UNLOCK_KEY else -1
        elif now_ns < self._locked_from_ns:
            self._write(register, value)
        return b""

    def _answer(self, first: int) -> bytes:
        if not 0 <= first < _REGISTERS:
            return b""
        words = [self._memory.get(first + offset, 0) for offset in range(4)]
        low, second, third, fourth = (word - 0x10000 if word >= 0x8000 else word for word in words)
        return encode(FrameType.REGISTERS, (low, second, third, fourth))

    def _write(self, register: int, value: int) -> None:
        if register == Register.SAVE:
            self._save(value)
        elif register == Register.RETURN_RATE:
            if value in _PERIODS_NS or value == _QUIET_CODE:
                self._memory[register] = value
        elif register == Register.BAUD:
            if value in _BAUDRATES:
                self._memory[register] = value
                if not self._baud_at_restart:
                    self._baud_code = value
        elif register < _REGISTERS:
            self._memory[register] = value

    def _save(self, value: int) -> None:
        if value == _SAVE:
            self._flash = dict(self._memory)
        elif value == _FACTORY_RESET:
            self._flash = dict(_FACTORY)
            self.boot()
        elif value == RESTART:
            self.boot()

    def _values(self, motion: Motion, now_ns: int) -> dict[int, tuple[int, int, int, int]]:
        noise = self._random.standard_normal(9)
        if self.fault == "imu_nan":
            # The protocol has no NaN: if the sensor chip stops answering, the unit sends the ends of the ranges.
            broken = dict.fromkeys((FrameType.ACCELERATION, FrameType.ANGULAR_VELOCITY, FrameType.ANGLE), _NO_NUMBERS)
            return {int(kind): words for kind, words in broken.items()} | {int(FrameType.QUATERNION): _NO_ORIENTATION}
        rate = [
            value + error
            for value, error in zip(motion.angular_velocity, self._bias + RATE_NOISE * noise[:3], strict=True)
        ]
        tilt = ORIENTATION_NOISE * noise[6:] / 2.0
        orientation = multiply(motion.orientation, (1.0, float(tilt[0]), float(tilt[1]), float(tilt[2])))
        if self.fault == "imu_spinning":
            rate[2] += SPIN
            half = SPIN * now_ns / NS_PER_S / 2.0
            orientation = multiply(orientation, (math.cos(half), 0.0, 0.0, math.sin(half)))
        if self.fault == "imu_drifting":
            rate[0] += DRIFT
            half = DRIFT * now_ns / NS_PER_S / 2.0
            orientation = multiply(orientation, (math.cos(half), math.sin(half), 0.0, 0.0))
        force = [
            value + error
            for value, error in zip(motion.linear_acceleration, ACCELERATION_NOISE * noise[3:6], strict=True)
        ]
        roll, pitch, yaw = (counts(value, math.pi) for value in _euler(orientation))
        w, x, y, z = _rounded(orientation)
        milliseconds = now_ns // 1_000_000
        return {
            int(FrameType.TIME): (0, 0, milliseconds // 1000 % 60, milliseconds % 1000),
            int(FrameType.ACCELERATION): (*_counted(force, ACCELERATION_RANGE), _TEMPERATURE),
            int(FrameType.ANGULAR_VELOCITY): (*_counted(rate, RATE_RANGE), _TEMPERATURE),
            int(FrameType.ANGLE): (roll, pitch, yaw, 0),
            int(FrameType.MAGNETIC_FIELD): (*_FIELD, _TEMPERATURE),
            int(FrameType.QUATERNION): (w, x, y, z),
        }


def _rotated(motion: Motion) -> Motion:
    """Return what a unit measures that has been turned by a quarter about its x axis."""
    (rx, ry, rz), (ax, ay, az) = motion.angular_velocity, motion.linear_acceleration
    return Motion(multiply(motion.orientation, QUARTER_TURN), (rx, rz, -ry), (ax, az, -ay))


def _counted(values: list[float], full_scale: float) -> tuple[int, int, int]:
    x, y, z = (counts(float(value), full_scale) for value in values)
    return x, y, z


def _rounded(orientation: Quaternion) -> tuple[int, int, int, int]:
    norm = math.sqrt(sum(part * part for part in orientation))
    w, x, y, z = (counts(part / norm, 1.0) for part in orientation)
    return w, x, y, z


def _euler(orientation: Quaternion) -> tuple[float, float, float]:
    """Return roll, pitch and yaw, rad: rotations about fixed x, y, z in this order."""
    w, x, y, z = orientation
    return (
        math.atan2(2.0 * (w * x + y * z), 1.0 - 2.0 * (x * x + y * y)),
        math.asin(max(-1.0, min(1.0, 2.0 * (w * y - z * x)))),
        math.atan2(2.0 * (w * z + x * y), 1.0 - 2.0 * (y * y + z * z)),
    )
