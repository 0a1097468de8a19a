"""Memory table of the Feetech STS/SMS series as data: address, size, access, sign, limits, unit, factory values.

Sources: Feetech's STS3215 memory table (firmware 3.6) and its newer STS manual; comments mark differences. All models
of the series have the same registers; differences in values are given in the motor YAML.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

from sim2real.configs.schema.motor import MotorConfig
from sim2real.hardware.bus.register_table import RegisterTable
from sim2real.hardware.feetech.schema import registers_of

EEPROM_END = 40
"""Lower addresses are EEPROM: writes are persistent if Lock (55) is 0."""

MEMORY_BYTES = 256
"""Size of the memory, which has one-byte addresses; it reads as zero after the table."""

BAUDRATES: dict[int, int] = {
    0: 1_000_000,
    1: 500_000,
    2: 250_000,
    3: 128_000,
    4: 115_200,
    5: 76_800,
    6: 57_600,
    7: 38_400,
}
"""Value of Baud Rate (6) to bit/s, as in Feetech's manual and `sms_sts.py` of its SDK; LeRobot has 57600, 38400 and
19200 for 5 to 7."""

BAUD_CODES: dict[int, int] = {baudrate: code for code, baudrate in BAUDRATES.items()}

MODEL_NAMES: dict[int, str] = {777: "STS3215", 2825: "STS3250", 11272: "SM8512BL"}
"""Model Number (3) to name (LeRobot, feetech/tables.py)."""

FINE_VELOCITY = 0b0000_0100
"""Bit of Phase (18): the velocity unit is 1 step/s, else 50 step/s."""
ZERO_IS_FASTEST = 0b0000_1000
"""Bit of Phase (18): Goal Velocity 0 means highest speed, else stop."""
FULL_ANGLE = 0b0001_0000
"""Bit of Phase (18): Present Position counts turns, else it is the angle within one turn."""
REVERSED = 0b1000_0000
"""Bit of Phase (18): the counting direction of Present Position is reversed."""

COARSE_STEPS = 50
"""Velocity unit without `FINE_VELOCITY`, step/s."""
ACCELERATION_STEPS = 100
"""Unit of Acceleration (41), step/s²."""
MULTI_TURN_COUNTS_MAX = 30_719
"""Largest multi-turn goal: 7.5 turns in each direction (Feetech's debugging software)."""

TORQUE_OFF, TORQUE_ON, TORQUE_DAMPED, TORQUE_CENTRE = 0, 1, 2, 128
"""Values of Torque Enable (40); the last one sets the present position to 2048."""


@dataclass(frozen=True, slots=True)
class Register:
    """One entry of the table; little-endian, signed values as sign bit and magnitude."""

    name: str
    address: int
    size: int
    """Bytes: 1 or 2."""
    access: Literal["r", "rw"]
    area: Literal["eeprom", "ram"]
    sign_bit: int | None
    initial: int
    """Factory value in EEPROM, value after power-up in RAM."""
    minimum: int
    maximum: int
    unit: str = ""

    @property
    def end(self) -> int:
        """Address after the last byte."""
        return self.address + self.size

    def encode(self, value: int) -> bytes:
        """Encode a value. Raises OverflowError if it does not fit."""
        if self.sign_bit is not None:
            if abs(value) >> self.sign_bit:
                raise OverflowError(f"{self.name}: {value} does not fit {self.sign_bit} bits and a sign")
            value = -value | 1 << self.sign_bit if value < 0 else value
        return value.to_bytes(self.size, "little")

    def decode(self, data: bytes | bytearray | memoryview) -> int:
        """Decode a value; bits above the sign bit are ignored."""
        raw = int.from_bytes(data, "little")
        if self.sign_bit is None:
            return raw
        magnitude = raw & ((1 << self.sign_bit) - 1)
        return -magnitude if raw >> self.sign_bit & 1 else magnitude


MemoryTable: TypeAlias = RegisterTable[Register]
"""The registers of one model."""


def sts_table(motor: MotorConfig) -> MemoryTable:
    """Return the memory table of an STS motor, with values from its YAML and factory values."""
    return MemoryTable((*_eeprom(motor), *_ram()))


def _eeprom(motor: MotorConfig) -> Iterator[Register]:
    model = registers_of(motor)
    low, high = (round(volts * 10) for volts in motor.voltage_range)
    last = motor.counts_per_revolution - 1
    for name, address, size, sign_bit, initial, minimum, maximum, unit in (
        ("firmware_major", 0, 1, None, model.firmware[0], 0, 255, ""),
        ("firmware_minor", 1, 1, None, model.firmware[1], 0, 255, ""),
        ("endianness", 2, 1, None, 0, 0, 1, ""),
        ("model_number", 3, 2, None, model.model_number, 0, 0xFFFF, ""),
        ("id", 5, 1, None, 1, 0, 253, ""),
        ("baud_rate", 6, 1, None, 0, 0, 7, ""),
        ("return_delay_time", 7, 1, None, 0, 0, 254, "2 µs"),  # newer manual: 1 to 49 act as 50
        ("response_status_level", 8, 1, None, 1, 0, 1, ""),
        ("min_position_limit", 9, 2, 15, 0, 0, last, "step"),
        ("max_position_limit", 11, 2, 15, last, 0, last, "step"),
        ("max_temperature_limit", 13, 1, None, round(motor.temperature_max), 0, 100, "°C"),
        ("max_voltage_limit", 14, 1, None, high, 0, 254, "0.1 V"),
        ("min_voltage_limit", 15, 1, None, low, 0, 254, "0.1 V"),
        ("max_torque", 16, 2, None, 1000, 0, 1000, "0.1 %"),
        ("phase", 18, 1, None, model.phase, 0, 254, ""),
        ("unloading_condition", 19, 1, None, 44, 0, 254, ""),
        ("led_alarm_condition", 20, 1, None, 47, 0, 254, ""),
        ("position_p_gain", 21, 1, None, 32, 0, 254, ""),
        ("position_d_gain", 22, 1, None, 32, 0, 254, ""),
        ("position_i_gain", 23, 1, None, 0, 0, 254, ""),
        ("minimum_startup_force", 24, 2, None, 16, 0, 1000, "0.1 %"),  # newer manual: one byte; 25 limits the integral
        ("cw_dead_zone", 26, 1, None, 1, 0, 32, "step"),
        ("ccw_dead_zone", 27, 1, None, 1, 0, 32, "step"),
        ("protection_current", 28, 2, None, 500, 0, 2047, "6.5 mA"),
        ("angular_resolution", 30, 1, None, 1, 1, 100, ""),
        ("position_offset", 31, 2, 11, 0, -2047, 2047, "step"),
        ("operating_mode", 33, 1, None, 0, 0, 3, ""),
        ("protective_torque", 34, 1, None, 20, 0, 254, "1 %"),
        ("protection_time", 35, 1, None, 200, 0, 254, "10 ms"),
        ("overload_torque", 36, 1, None, 80, 0, 254, "1 %"),
        ("velocity_p_gain", 37, 1, None, 10, 0, 254, ""),
        ("overcurrent_time", 38, 1, None, 200, 0, 254, "10 ms"),
        ("velocity_i_gain", 39, 1, None, 10, 0, 254, ""),
    ):
        read_only = name in ("firmware_major", "firmware_minor", "endianness", "model_number")
        yield Register(
            name, address, size, "r" if read_only else "rw", "eeprom", sign_bit, initial, minimum, maximum, unit
        )


def _ram() -> Iterator[Register]:
    for name, address, size, sign_bit, initial, minimum, maximum, unit in (
        ("torque_enable", 40, 1, None, 0, 0, 128, ""),
        ("acceleration", 41, 1, None, 0, 0, 254, "100 step/s²"),
        ("goal_position", 42, 2, 15, 0, -32_766, 32_766, "step"),
        ("goal_time", 44, 2, 10, 0, -1000, 1000, "ms; 0.1 % in PWM mode"),  # firmware 3.6: sign in bit 11 ?
        ("goal_velocity", 46, 2, 15, 0, -32_767, 32_767, "by phase"),
        ("torque_limit", 48, 2, None, 1000, 0, 1000, "0.1 %"),
        ("lock", 55, 1, None, 1, 0, 1, ""),  # older table: 0 after power-up
    ):
        yield Register(name, address, size, "rw", "ram", sign_bit, initial, minimum, maximum, unit)
    for name, address, size, sign_bit, initial, unit in (
        ("present_position", 56, 2, 15, 0, "step"),
        ("present_velocity", 58, 2, 15, 0, "by phase"),
        ("present_load", 60, 2, 10, 0, "0.1 %"),
        ("present_voltage", 62, 1, None, 0, "0.1 V"),
        ("present_temperature", 63, 1, None, 0, "°C"),
        ("registered_write", 64, 1, None, 0, ""),
        ("status", 65, 1, None, 0, ""),
        ("moving", 66, 1, None, 0, ""),
        ("target_position", 67, 2, 15, 0, "step"),  # the active goal; newer manual
        ("present_current", 69, 2, 15, 0, "6.5 mA"),
        ("moving_threshold", 80, 1, None, 1, "50 step/s"),  # value and unit: an assumption
        ("loop_period", 81, 1, None, 1, "ms"),
        ("velocity_unit_factor", 82, 1, None, COARSE_STEPS, "step/s"),
        ("maximum_velocity", 84, 1, None, 100, "50 step/s"),
    ):
        yield Register(name, address, size, "r", "ram", sign_bit, initial, 0, 0xFFFF, unit)
    # LeRobot writes 85 at set-up, so it is writable; RAM is an assumption.
    yield Register("maximum_acceleration", 85, 1, "rw", "ram", None, 254, 0, 254, "100 step/s²")
    yield Register("acceleration_multiplier", 86, 1, "r", "ram", None, 0, 0, 255, "")
