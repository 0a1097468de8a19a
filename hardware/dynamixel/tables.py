"""Control tables of the Dynamixel X series as data: address, size, access, sign, unit, limits, factory values.

Source: ROBOTIS e-Manual, control tables of the twelve models in `MODEL_NAMES`. Differences between models are given in
their YAML (`sim2real.hardware.dynamixel.schema.DynamixelRegisters`) or follow from the series; the rest is here.
"""

from collections.abc import Iterator

from sim2real.configs.schema.motor import MotorConfig
from sim2real.hardware.dynamixel.registers import ControlTable, Register, Unit
from sim2real.hardware.dynamixel.schema import DynamixelRegisters, registers_of

__all__ = [
    "BAUDRATES",
    "BAUD_CODES",
    "BUS_WATCHDOG_SINCE",
    "EEPROM_END",
    "MODEL_NAMES",
    "ControlTable",
    "Register",
    "x_series_table",
]

EEPROM_END = 64
"""Lower addresses are EEPROM: persistent, and locked while torque is on."""

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
"""Value of Baud Rate (8) to bit/s; the highest value of the 330 series is 6."""

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

BUS_WATCHDOG_SINCE = 38
"""First firmware version with Bus Watchdog (98)."""

Row = tuple[str, int, int, str, int, int, int, Unit]
"""Name, address, size, access, factory value, lowest and highest writable value, unit."""

# First and last number, address registers, data registers.
_INDIRECT_BLOCKS = ((1, 28, 168, 224), (29, 56, 578, 634))
_INDIRECT_BLOCKS_330 = ((1, 28, 168, 224),)
# The 330 series before firmware 53 has fewer data registers, at other addresses (e-Manual of firmware 52).
_INDIRECT_BLOCKS_330_OLD = ((1, 20, 168, 208),)
_INDIRECT_330_OLD_FIRMWARE = 52


def x_series_table(motor: MotorConfig, firmware: int | None = None) -> ControlTable:
    """Return the control table of an X-series motor; it depends on its YAML, series and firmware.

    Args:
        motor: The motor type.
        firmware: Reported firmware version; that of the YAML if None.
    """
    if firmware is not None:
        registers = registers_of(motor).model_copy(update={"firmware": firmware})
        motor = motor.model_copy(update={"registers": registers})
    model = registers_of(motor)
    rows = (*_eeprom(motor), *_ram(motor), *_by_series(model), *_by_current(model))
    return ControlTable((*(_register(row, model) for row in rows), *_indirect(model)))


def _eeprom(motor: MotorConfig) -> Iterator[Row]:
    model = registers_of(motor)
    low, high = (round(volts * 10) for volts in motor.voltage_range)
    floor = low if model.voltage_floor is None else round(model.voltage_floor * 10)
    last = motor.counts_per_revolution - 1
    small = model.series == 330
    yield from (
        ("model_number", 0, 2, "r", model.model_number, 0, 0xFFFF, ""),
        ("model_information", 2, 4, "r", 0, 0, 0xFFFFFFFF, ""),
        ("firmware_version", 6, 1, "r", model.firmware, 0, 0xFF, ""),
        ("id", 7, 1, "rw", 1, 0, 252, ""),
        ("baud_rate", 8, 1, "rw", 1, 0, 6 if small else 7, ""),
        ("return_delay_time", 9, 1, "rw", 250, 0, 254, "2us"),
        ("drive_mode", 10, 1, "rw", 0, 0, 13, ""),
        ("operating_mode", 11, 1, "rw", 3, 0, 16, ""),
        ("secondary_id", 12, 1, "rw", 255, 0, 255, ""),  # above 252: no secondary id
        ("protocol_type", 13, 1, "rw", 2, 2 if small else 1, 22 if small else 2, ""),
        ("homing_offset", 20, 4, "rw", 0, -1_044_479, 1_044_479, "counts"),
        ("moving_threshold", 24, 4, "rw", model.moving_threshold, 0, 1023, "velocity"),
        ("temperature_limit", 31, 1, "rw", round(motor.temperature_max), 0, 100, "celsius"),
        ("max_voltage_limit", 32, 2, "rw", high, floor, high, "decivolt"),
        ("min_voltage_limit", 34, 2, "rw", low, floor, high, "decivolt"),
        ("pwm_limit", 36, 2, "rw", 885, 0, 885, "pwm"),
        ("velocity_limit", 44, 4, "rw", model.velocity_limit, 0, _velocity_max(model), "velocity"),
        ("max_position_limit", 48, 4, "rw", last, 0, last, "counts"),
        ("min_position_limit", 52, 4, "rw", 0, 0, last, "counts"),
        ("startup_configuration", 60, 1, "rw", 0, 0, 3, ""),
        ("shutdown", 63, 1, "rw", model.shutdown, 0, 63, ""),
    )


def _ram(motor: MotorConfig) -> Iterator[Row]:
    gains, fastest = registers_of(motor).gains, _velocity_max(registers_of(motor))
    yield from (
        ("torque_enable", 64, 1, "rw", 0, 0, 1, ""),
        ("led", 65, 1, "rw", 0, 0, 1, ""),
        ("status_return_level", 68, 1, "rw", 2, 0, 2, ""),
        ("registered_instruction", 69, 1, "r", 0, 0, 1, ""),
        ("hardware_error_status", 70, 1, "r", 0, 0, 0xFF, ""),
        ("velocity_i_gain", 76, 2, "rw", gains.velocity_i, 0, 16_383, ""),
        ("velocity_p_gain", 78, 2, "rw", gains.velocity_p, 0, 16_383, ""),
        ("position_d_gain", 80, 2, "rw", gains.position_d, 0, 16_383, ""),
        ("position_i_gain", 82, 2, "rw", gains.position_i, 0, 16_383, ""),
        ("position_p_gain", 84, 2, "rw", gains.position_p, 0, 16_383, ""),
        ("feedforward_2nd_gain", 88, 2, "rw", 0, 0, 16_383, ""),
        ("feedforward_1st_gain", 90, 2, "rw", 0, 0, 16_383, ""),
        ("bus_watchdog", 98, 1, "rw", 0, 0, 127, "watchdog"),  # reads -1 after it has expired
        # Goals after a reboot: not given in the e-Manual. Goal PWM is set to its limit when torque is switched on; the
        # others are unchanged. Limit registers and operating mode narrow their writable range.
        ("goal_pwm", 100, 2, "rw", 885, -885, 885, "pwm"),
        ("goal_velocity", 104, 4, "rw", 0, -fastest, fastest, "velocity"),
        ("profile_acceleration", 108, 4, "rw", 0, 0, 32_767, "acceleration"),
        ("profile_velocity", 112, 4, "rw", 0, 0, 32_767, "velocity"),
        ("goal_position", 116, 4, "rw", 0, -1_048_575, 1_048_575, "counts"),
        ("realtime_tick", 120, 2, "r", 0, 0, 32_767, "ms"),
        ("moving", 122, 1, "r", 0, 0, 1, ""),
        ("moving_status", 123, 1, "r", 0, 0, 0xFF, ""),
        ("present_pwm", 124, 2, "r", 0, -885, 885, "pwm"),
        ("present_velocity", 128, 4, "r", 0, -0x80000000, 0x7FFFFFFF, "velocity"),
        ("present_position", 132, 4, "r", 0, -0x80000000, 0x7FFFFFFF, "counts"),
        ("velocity_trajectory", 136, 4, "r", 0, -0x80000000, 0x7FFFFFFF, "velocity"),
        ("position_trajectory", 140, 4, "r", 0, -0x80000000, 0x7FFFFFFF, "counts"),
        ("present_input_voltage", 144, 2, "r", 0, 0, 0xFFFF, "decivolt"),
        ("present_temperature", 146, 1, "r", 0, 0, 0xFF, "celsius"),
        ("backup_ready", 147, 1, "r", 0, 0, 1, ""),
    )


def _by_series(model: DynamixelRegisters) -> Iterator[Row]:
    if model.pwm_slope is not None:
        yield "pwm_slope", 62, 1, "rw", model.pwm_slope, 1, 255, ""
    if model.series == 540:
        for port in (1, 2, 3):
            yield f"external_port_mode_{port}", 55 + port, 1, "rw", 3, 0, 3, ""
            yield f"external_port_data_{port}", 150 + 2 * port, 2, "rw", 0, 0, 0xFFFF, ""


def _by_current(model: DynamixelRegisters) -> Iterator[Row]:
    """Yield the registers of the current sensor, or Present Load if there is none."""
    limit = model.current_limit
    if limit is None:
        yield "present_load", 126, 2, "r", 0, -1000, 1000, "load"
        return
    yield "current_limit", 38, 2, "rw", limit, 0, limit, "current"
    yield "goal_current", 102, 2, "rw", 0, -limit, limit, "current"
    yield "present_current", 126, 2, "r", 0, -0x8000, 0x7FFF, "current"


def _velocity_max(model: DynamixelRegisters) -> int:
    """Return the largest value of Velocity Limit (44)."""
    return 2047 if model.series == 330 else 1023


def _since(name: str, model: DynamixelRegisters) -> int:
    """Return the first firmware version with a register (e-Manual, notes of the registers); 0 if it gives none."""
    if name in ("startup_configuration", "backup_ready"):
        return 46 if model.series == 330 else 45
    return BUS_WATCHDOG_SINCE if name == "bus_watchdog" else 0


def _indirect_blocks(model: DynamixelRegisters) -> tuple[tuple[int, int, int, int], ...]:
    if model.series != 330:
        return _INDIRECT_BLOCKS
    return _INDIRECT_BLOCKS_330_OLD if model.firmware <= _INDIRECT_330_OLD_FIRMWARE else _INDIRECT_BLOCKS_330


def _indirect(model: DynamixelRegisters) -> Iterator[Register]:
    """Yield the indirect addresses, each initially pointing to its own data byte, and the data bytes."""
    blocks = _indirect_blocks(model)
    last_address = blocks[-1][3] + blocks[-1][1] - blocks[-1][0]
    for first, last, addresses, data in blocks:
        for index, number in enumerate(range(first, last + 1)):
            own = data + index
            address_row: Row = (f"indirect_address_{number}", addresses + 2 * index, 2, "rw", own, 64, last_address, "")
            yield _register(address_row, model)
            yield _register((f"indirect_data_{number}", own, 1, "rw", 0, 0, 0xFF, ""), model)


def _register(row: Row, model: DynamixelRegisters) -> Register:
    name, address, size, access, initial, minimum, maximum, unit = row
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
        unit=unit,
        since=_since(name, model),
    )
