"""Control tables of the Dynamixel X series: registers with addresses, access, limits and factory values.

Source: ROBOTIS e-Manual, control table of the XM430-W350. A register that another model lacks or places elsewhere is a
change of the lists below, not of the code that uses a table.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from configs.schema.motor import MotorConfig

EEPROM_END = 64
"""Addresses below are EEPROM: kept without power, locked while torque is on."""

BAUDRATES: dict[int, int] = {
    0: 9_600,
    1: 57_600,
    2: 115_200,
    3: 1_000_000,
    4: 2_000_000,
    5: 3_000_000,
    6: 4_000_000,
    7: 4_500_000,
}
"""Value of Baud Rate (8) to bit/s."""

BAUD_CODES: dict[int, int] = {baudrate: code for code, baudrate in BAUDRATES.items()}

MODEL_NAMES: dict[int, str] = {
    1020: "XM430-W350",
    1030: "XM430-W210",
    1060: "XL430-W250",
    1070: "XC430-W150",
    1080: "XC430-W240",
    1120: "XM540-W270",
    1190: "XL330-M077",
    1200: "XL330-M288",
    1210: "XC330-T181",
    1220: "XC330-T288",
    1230: "XC330-M181",
    1240: "XC330-M288",
}
"""Model Number (0) to name."""

_INDIRECT_BLOCKS = ((1, 28, 168, 224), (29, 56, 578, 634))  # first and last number, address registers, data registers


@dataclass(frozen=True, slots=True)
class Register:
    """One entry of a control table; little-endian, in the motor's own units."""

    name: str
    address: int
    size: int
    """Bytes: 1, 2 or 4."""
    access: Literal["r", "rw"]
    area: Literal["eeprom", "ram"]
    signed: bool
    initial: int
    """Factory value in EEPROM, value after a reboot in RAM."""
    minimum: int
    """Lowest value that a write may set."""
    maximum: int

    @property
    def end(self) -> int:
        """Address after the last byte."""
        return self.address + self.size

    def encode(self, value: int) -> bytes:
        """Return the bytes of a value. Raises OverflowError if it does not fit the size."""
        return value.to_bytes(self.size, "little", signed=self.signed)

    def decode(self, data: bytes | bytearray | memoryview) -> int:
        """Return the value of its bytes."""
        return int.from_bytes(data, "little", signed=self.signed)


class ControlTable:
    """The registers of one model, by name and by address."""

    def __init__(self, registers: Iterable[Register]) -> None:
        """Take the registers in any order. Raises ValueError if two overlap or share a name."""
        self._registers = tuple(sorted(registers, key=lambda register: register.address))
        self._by_name = {register.name: register for register in self._registers}
        self._by_address = {register.address: register for register in self._registers}
        if len(self._by_name) != len(self._registers):
            raise ValueError("two registers share a name")
        for before, after in zip(self._registers, self._registers[1:], strict=False):
            if after.address < before.end:
                raise ValueError(f"registers {before.name} and {after.name} overlap")

    def __iter__(self) -> Iterator[Register]:
        """Go through the registers by address."""
        return iter(self._registers)

    def __contains__(self, name: str) -> bool:
        return name in self._by_name

    def __getitem__(self, name: str) -> Register:
        """Return the register of this name. Raises KeyError, with the valid names."""
        if name not in self._by_name:
            raise KeyError(f"no register {name!r}; valid: {', '.join(self._by_name)}")
        return self._by_name[name]

    @property
    def end(self) -> int:
        """Address after the last register."""
        return self._registers[-1].end

    def at(self, address: int) -> Register | None:
        """Return the register that begins at this address."""
        return self._by_address.get(address)

    def covering(self, address: int, length: int) -> tuple[Register, ...]:
        """Return the registers of which a block of memory holds at least one byte, by address."""
        return tuple(r for r in self._registers if r.address < address + length and r.end > address)


def x_series_table(motor: MotorConfig) -> ControlTable:
    """Return the control table of an X series motor: what its YAML states from there, the rest from the factory."""
    return ControlTable((*_eeprom(motor), *_ram(motor), *_indirect()))


def _eeprom(motor: MotorConfig) -> Iterator[Register]:
    model = motor.dynamixel
    low, high = (round(volts * 10) for volts in motor.voltage_range)
    last = motor.counts_per_revolution - 1
    for name, address, size, access, initial, minimum, maximum in (
        ("model_number", 0, 2, "r", model.model_number, 0, 0xFFFF),
        ("model_information", 2, 4, "r", 0, 0, 0xFFFFFFFF),
        ("firmware_version", 6, 1, "r", model.firmware, 0, 0xFF),
        ("id", 7, 1, "rw", 1, 0, 252),
        ("baud_rate", 8, 1, "rw", 1, 0, 7),
        ("return_delay_time", 9, 1, "rw", 250, 0, 254),  # 2 µs
        ("drive_mode", 10, 1, "rw", 0, 0, 13),
        ("operating_mode", 11, 1, "rw", 3, 0, 16),
        ("secondary_id", 12, 1, "rw", 255, 0, 255),  # above 252: none
        ("protocol_type", 13, 1, "rw", 2, 1, 2),
        ("homing_offset", 20, 4, "rw", 0, -1_044_479, 1_044_479),
        ("moving_threshold", 24, 4, "rw", 10, 0, 1023),
        ("temperature_limit", 31, 1, "rw", round(motor.temperature_max), 0, 100),
        ("max_voltage_limit", 32, 2, "rw", high, low, high),
        ("min_voltage_limit", 34, 2, "rw", low, low, high),
        ("pwm_limit", 36, 2, "rw", 885, 0, 885),
        ("current_limit", 38, 2, "rw", model.current_limit, 0, model.current_limit),
        ("velocity_limit", 44, 4, "rw", 200, 0, 1023),
        ("max_position_limit", 48, 4, "rw", last, 0, last),
        ("min_position_limit", 52, 4, "rw", 0, 0, last),
        ("startup_configuration", 60, 1, "rw", 0, 0, 3),
        ("shutdown", 63, 1, "rw", model.shutdown, 0, 63),
    ):
        yield _register(name, address, size, access, initial, minimum, maximum)


def _ram(motor: MotorConfig) -> Iterator[Register]:
    current = motor.dynamixel.current_limit
    for name, address, size, access, initial, minimum, maximum in (
        ("torque_enable", 64, 1, "rw", 0, 0, 1),
        ("led", 65, 1, "rw", 0, 0, 1),
        ("status_return_level", 68, 1, "rw", 2, 0, 2),
        ("registered_instruction", 69, 1, "r", 0, 0, 1),
        ("hardware_error_status", 70, 1, "r", 0, 0, 0xFF),
        ("velocity_i_gain", 76, 2, "rw", 1920, 0, 16_383),
        ("velocity_p_gain", 78, 2, "rw", 100, 0, 16_383),
        ("position_d_gain", 80, 2, "rw", 0, 0, 16_383),
        ("position_i_gain", 82, 2, "rw", 0, 0, 16_383),
        ("position_p_gain", 84, 2, "rw", 800, 0, 16_383),
        ("feedforward_2nd_gain", 88, 2, "rw", 0, 0, 16_383),
        ("feedforward_1st_gain", 90, 2, "rw", 0, 0, 16_383),
        ("bus_watchdog", 98, 1, "rw", 0, 0, 127),  # 20 ms; reads -1 after it has expired
        # Goals after a reboot: the e-Manual gives none; PWM follows its limit when torque goes on, the others stay
        # where they were set. Their writable range is narrowed by the limit registers and the operating mode.
        ("goal_pwm", 100, 2, "rw", 885, -885, 885),
        ("goal_current", 102, 2, "rw", 0, -current, current),
        ("goal_velocity", 104, 4, "rw", 0, -1023, 1023),
        ("profile_acceleration", 108, 4, "rw", 0, 0, 32_767),
        ("profile_velocity", 112, 4, "rw", 0, 0, 32_767),
        ("goal_position", 116, 4, "rw", 0, -1_048_575, 1_048_575),
        ("realtime_tick", 120, 2, "r", 0, 0, 32_767),  # ms
        ("moving", 122, 1, "r", 0, 0, 1),
        ("moving_status", 123, 1, "r", 0, 0, 0xFF),
        ("present_pwm", 124, 2, "r", 0, -885, 885),
        ("present_current", 126, 2, "r", 0, -0x8000, 0x7FFF),
        ("present_velocity", 128, 4, "r", 0, -0x80000000, 0x7FFFFFFF),
        ("present_position", 132, 4, "r", 0, -0x80000000, 0x7FFFFFFF),
        ("velocity_trajectory", 136, 4, "r", 0, -0x80000000, 0x7FFFFFFF),
        ("position_trajectory", 140, 4, "r", 0, -0x80000000, 0x7FFFFFFF),
        ("present_input_voltage", 144, 2, "r", 0, 0, 0xFFFF),  # 0.1 V
        ("present_temperature", 146, 1, "r", 0, 0, 0xFF),  # °C
        ("backup_ready", 147, 1, "r", 0, 0, 1),
    ):
        yield _register(name, address, size, access, initial, minimum, maximum)


def _indirect() -> Iterator[Register]:
    """Yield the indirect addresses, of which each first points at its own data byte, and the data bytes."""
    last_address = _INDIRECT_BLOCKS[-1][3] + _INDIRECT_BLOCKS[-1][1] - _INDIRECT_BLOCKS[-1][0]
    for first, last, addresses, data in _INDIRECT_BLOCKS:
        for index, number in enumerate(range(first, last + 1)):
            yield _register(
                f"indirect_address_{number}", addresses + 2 * index, 2, "rw", data + index, 64, last_address
            )
            yield _register(f"indirect_data_{number}", data + index, 1, "rw", 0, 0, 0xFF)


def _register(name: str, address: int, size: int, access: str, initial: int, minimum: int, maximum: int) -> Register:
    return Register(
        name=name,
        address=address,
        size=size,
        access="rw" if access == "rw" else "r",
        area="eeprom" if address < EEPROM_END else "ram",
        signed=minimum < 0 or name == "bus_watchdog",
        initial=initial,
        minimum=minimum,
        maximum=maximum,
    )
