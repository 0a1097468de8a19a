"""Laws of the control table, compared with the manual and the motor YAML."""

import pytest

from sim2real.configs.load import load_motor
from sim2real.hardware.dynamixel.tables import BAUD_CODES, BAUDRATES, ControlTable, Register, x_series_table

# ROBOTIS e-Manual XM430-W350, control table: address, size, access, factory value.
MANUAL = {
    "model_number": (0, 2, "r", 1020),
    "id": (7, 1, "rw", 1),
    "baud_rate": (8, 1, "rw", 1),
    "return_delay_time": (9, 1, "rw", 250),
    "drive_mode": (10, 1, "rw", 0),
    "operating_mode": (11, 1, "rw", 3),
    "secondary_id": (12, 1, "rw", 255),
    "protocol_type": (13, 1, "rw", 2),
    "homing_offset": (20, 4, "rw", 0),
    "moving_threshold": (24, 4, "rw", 10),
    "temperature_limit": (31, 1, "rw", 80),
    "max_voltage_limit": (32, 2, "rw", 160),
    "min_voltage_limit": (34, 2, "rw", 95),
    "pwm_limit": (36, 2, "rw", 885),
    "current_limit": (38, 2, "rw", 1193),
    "velocity_limit": (44, 4, "rw", 200),
    "max_position_limit": (48, 4, "rw", 4095),
    "min_position_limit": (52, 4, "rw", 0),
    "shutdown": (63, 1, "rw", 52),
    "torque_enable": (64, 1, "rw", 0),
    "led": (65, 1, "rw", 0),
    "status_return_level": (68, 1, "rw", 2),
    "registered_instruction": (69, 1, "r", 0),
    "hardware_error_status": (70, 1, "r", 0),
    "velocity_i_gain": (76, 2, "rw", 1920),
    "velocity_p_gain": (78, 2, "rw", 100),
    "position_d_gain": (80, 2, "rw", 0),
    "position_i_gain": (82, 2, "rw", 0),
    "position_p_gain": (84, 2, "rw", 800),
    "feedforward_2nd_gain": (88, 2, "rw", 0),
    "feedforward_1st_gain": (90, 2, "rw", 0),
    "bus_watchdog": (98, 1, "rw", 0),
    "goal_current": (102, 2, "rw", 0),
    "goal_velocity": (104, 4, "rw", 0),
    "profile_acceleration": (108, 4, "rw", 0),
    "profile_velocity": (112, 4, "rw", 0),
    "goal_position": (116, 4, "rw", 0),
    "realtime_tick": (120, 2, "r", 0),
    "moving": (122, 1, "r", 0),
    "moving_status": (123, 1, "r", 0),
    "present_current": (126, 2, "r", 0),
    "present_velocity": (128, 4, "r", 0),
    "present_position": (132, 4, "r", 0),
    "velocity_trajectory": (136, 4, "r", 0),
    "position_trajectory": (140, 4, "r", 0),
    "present_input_voltage": (144, 2, "r", 0),
    "present_temperature": (146, 1, "r", 0),
    "backup_ready": (147, 1, "r", 0),
    "indirect_address_1": (168, 2, "rw", 224),
    "indirect_address_28": (222, 2, "rw", 251),
    "indirect_data_1": (224, 1, "rw", 0),
    "indirect_address_29": (578, 2, "rw", 634),
    "indirect_data_56": (661, 1, "rw", 0),
}


@pytest.fixture
def table():
    return x_series_table(load_motor("xm430_w350"))


@pytest.mark.parametrize("name", MANUAL)
def test_registers_match_the_manual(table, name):
    register = table[name]
    assert (register.address, register.size, register.access, register.initial) == MANUAL[name]
    assert table.at(register.address) is register
    assert register.area == ("eeprom" if register.address < 64 else "ram")


def test_values_in_the_yaml_are_used():
    motor = load_motor(
        "xm430_w350",
        (
            "registers.model_number=1030",
            "registers.firmware=50",
            "registers.current_limit=900",
            "temperature_max=70 degC",
        ),
    )
    table = x_series_table(motor)
    assert table["model_number"].initial == 1030
    assert table["firmware_version"].initial == 50
    assert table["current_limit"].maximum == table["goal_current"].maximum == 900
    assert table["temperature_limit"].initial == 70


def test_no_two_registers_overlap_and_initial_values_fit(table):
    covered = set()
    for register in table:
        own = set(range(register.address, register.end))
        assert not covered & own, register.name
        covered |= own
        assert register.minimum <= register.initial <= register.maximum, register.name
        assert register.decode(register.encode(register.initial)) == register.initial
        assert register.decode(register.encode(register.minimum)) == register.minimum
        assert register.decode(register.encode(register.maximum)) == register.maximum


@pytest.mark.parametrize(
    "name", ["present_current", "present_velocity", "present_position", "goal_current", "bus_watchdog"]
)
def test_signed_registers_read_back_negative(table, name):
    register = table[name]
    assert register.signed
    assert register.decode(b"\xff" * register.size) == -1


def test_overlapping_finds_every_register_that_a_block_touches(table):
    names = [register.name for register in table.overlapping(126, 10)]
    assert names == ["present_current", "present_velocity", "present_position"]
    assert [register.name for register in table.overlapping(127, 2)] == ["present_current", "present_velocity"]
    assert table.overlapping(148, 20) == ()


def test_an_unknown_name_lists_the_valid_ones(table):
    assert "goal_current" in table
    assert "goal" not in table
    with pytest.raises(KeyError, match="present_position"):
        table["position"]


def test_overlaps_and_duplicate_names_are_refused():
    def register(name, address):
        return Register(name, address, 2, "rw", "ram", False, 0, 0, 1)

    with pytest.raises(ValueError, match="a and b overlap"):
        ControlTable([register("a", 64), register("b", 65)])
    with pytest.raises(ValueError, match="share a name"):
        ControlTable([register("a", 64), register("a", 68)])


def test_baud_codes_and_baud_rates_are_inverse():
    assert all(BAUD_CODES[BAUDRATES[code]] == code for code in BAUDRATES)
    assert BAUDRATES[1] == 57_600
    assert BAUDRATES[3] == 1_000_000
