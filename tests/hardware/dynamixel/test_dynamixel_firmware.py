"""Laws of the emulated motor's registers and instructions."""

import pytest
from emulated import Bench, HeldPlant
from fastcrc.crc16 import umts
from hypothesis import given, settings
from hypothesis import strategies as st

from sim2real.configs.load import load_motor
from sim2real.hardware.dynamixel.firmware.motor import BOOT_NS
from sim2real.hardware.dynamixel.frame import ALERT, BROADCAST, HEADER, Instruction, StatusError, encode
from sim2real.hardware.dynamixel.tables import x_series_table

TABLE = x_series_table(load_motor("xm430_w350"))


def test_ping_answers_model_and_firmware():
    reply = Bench().ask(Instruction.PING)
    assert reply is not None
    assert (reply.id, reply.error, reply.data) == (1, 0, bytes((1020 & 0xFF, 1020 >> 8, 46)))


def test_a_motor_powers_up_with_factory_values_except_id_and_baud_rate():
    bench = Bench()
    for name, expected in {
        "torque_enable": 0,
        "return_delay_time": 250,
        "operating_mode": 3,
        "shutdown": 52,
        "position_p_gain": 800,
        "bus_watchdog": 0,
        "id": 1,
        "baud_rate": 3,
    }.items():
        assert bench.read(name) == expected, name


@pytest.mark.parametrize("name", [register.name for register in TABLE if register.access == "r"])
def test_read_only_registers_refuse_writes(name):
    assert Bench().write(name, TABLE[name].initial) == StatusError.ACCESS


@pytest.mark.parametrize(
    "name", [register.name for register in TABLE if register.area == "eeprom" and register.access == "rw"]
)
def test_eeprom_is_locked_while_torque_is_on(name):
    bench = Bench()
    before = bench.read(name)
    bench.write("torque_enable", 1)
    assert bench.write(name, before) == StatusError.ACCESS
    bench.write("torque_enable", 0)
    assert bench.write(name, before) == 0


@pytest.mark.parametrize(
    ("name", "value"),
    [("operating_mode", 2), ("operating_mode", 15), ("drive_mode", 2), ("id", 253), ("baud_rate", 8), ("led", 2),
     ("position_p_gain", 16_384), ("protocol_type", 1), ("bus_watchdog", -1)],
)  # fmt: skip
def test_values_outside_the_range_are_refused_and_change_nothing(name, value):
    bench = Bench()
    before = bench.read(name)
    assert bench.write(name, value) == StatusError.DATA_RANGE
    assert bench.read(name) == before


@pytest.mark.parametrize(
    ("limit", "limited", "goal"),
    [("current_limit", 100, "goal_current"), ("velocity_limit", 50, "goal_velocity"), ("pwm_limit", 300, "goal_pwm")],
)
def test_goals_beyond_their_limit_register_are_refused(limit, limited, goal):
    bench = Bench()
    bench.write(limit, limited)
    for sign in (1, -1):
        assert bench.write(goal, sign * limited) == 0
        assert bench.write(goal, sign * (limited + 1)) == StatusError.DATA_LIMIT
        assert bench.read(goal) == sign * limited


def test_position_goal_stays_within_its_limits_in_position_mode_only():
    bench = Bench()
    bench.torque_on(3)
    assert bench.write("goal_position", 4096) == StatusError.DATA_LIMIT
    bench.torque_on(4)
    assert bench.write("goal_position", 4096) == 0


def test_part_of_a_register_is_a_length_error_and_a_gap_an_access_error():
    bench = Bench()
    write = Instruction.WRITE
    assert bench.ask(write, b"\x74\x00\x00\x00").error == StatusError.DATA_LENGTH
    assert bench.ask(write, b"\x75\x00\x00").error == StatusError.DATA_LENGTH
    assert bench.ask(write, b"\x42\x00\x00").error == StatusError.ACCESS  # 66 is not a register
    assert bench.ask(Instruction.READ, b"\xff\x7f\x04\x00").error == StatusError.ACCESS
    assert bench.ask(Instruction.READ, b"\x84\x00").error == StatusError.DATA_LENGTH


def test_a_block_is_written_completely_or_not_at_all():
    bench = Bench()
    acceleration_then_velocity = b"\x6c\x00" + (7).to_bytes(4, "little") + (40_000).to_bytes(4, "little")
    assert bench.ask(Instruction.WRITE, acceleration_then_velocity).error == StatusError.DATA_RANGE
    assert bench.read("profile_acceleration") == 0


def test_unknown_instruction_is_an_instruction_error():
    assert Bench().ask(0x77).error == StatusError.INSTRUCTION


def test_registered_write_waits_for_action():
    bench = Bench()
    assert bench.ask(Instruction.ACTION).error == StatusError.INSTRUCTION
    assert bench.ask(Instruction.REG_WRITE, bench.value("led", 1)).error == 0
    assert (bench.read("led"), bench.read("registered_instruction")) == (0, 1)
    assert bench.ask(Instruction.ACTION).error == 0
    assert (bench.read("led"), bench.read("registered_instruction")) == (1, 0)


def test_registered_write_is_refused_like_a_write():
    bench = Bench()
    assert bench.ask(Instruction.REG_WRITE, bench.value("led", 2)).error == StatusError.DATA_RANGE
    assert bench.ask(Instruction.ACTION).error == StatusError.INSTRUCTION


def test_a_registered_eeprom_write_is_refused_if_torque_is_on_at_action():
    bench = Bench()
    bench.ask(Instruction.REG_WRITE, bench.value("operating_mode", 0))
    bench.write("torque_enable", 1)
    assert bench.ask(Instruction.ACTION).error == StatusError.ACCESS
    assert bench.read("operating_mode") == 3


@pytest.mark.parametrize(("level", "ping", "read", "write"), [(0, 1, 0, 0), (1, 1, 1, 0), (2, 1, 1, 1)])
def test_status_return_level_selects_the_replies(level, ping, read, write):
    bench = Bench()
    bench.send(Instruction.WRITE, bench.value("status_return_level", level))
    bench.listen()
    assert (bench.ask(Instruction.PING) is not None) == ping
    assert (bench.ask(Instruction.READ, bench.block("led")) is not None) == read
    assert (bench.ask(Instruction.WRITE, bench.value("led", 1)) is not None) == write
    assert bench.motor.read_register("led") == 1


def test_the_secondary_id_executes_without_reply():
    bench = Bench()
    bench.write("secondary_id", 5)
    assert bench.ask(Instruction.WRITE, bench.value("led", 1), to=5) is None
    assert bench.read("led") == 1
    assert bench.ask(Instruction.PING, to=5) is None


def test_a_broadcast_write_is_executed_without_reply():
    bench = Bench(2)
    assert bench.ask(Instruction.WRITE, bench.value("led", 1), to=BROADCAST) is None
    assert [bench.read("led", to=i) for i in (1, 2)] == [1, 1]


def test_id_change_takes_effect_after_the_reply():
    bench = Bench()
    reply = bench.ask(Instruction.WRITE, bench.value("id", 9))
    assert reply is not None
    assert reply.id == 1
    assert bench.ask(Instruction.PING) is None
    assert bench.ask(Instruction.PING, to=9) is not None


def test_indirect_data_refer_to_the_bytes_they_point_to():
    bench = Bench()
    led = bench.table["led"].address
    assert bench.write("indirect_address_1", led) == 0
    assert bench.write("indirect_data_1", 1) == 0
    assert bench.read("led") == 1
    assert bench.read("indirect_data_1") == 1


def test_goal_through_indirect_data_is_a_goal():
    bench = Bench(plant=HeldPlant)
    bench.torque_on(0)
    for index in range(2):
        bench.write(f"indirect_address_{index + 1}", 102 + index)
    data = bench.table["indirect_data_1"].address.to_bytes(2, "little")
    assert bench.ask(Instruction.WRITE, data + (100).to_bytes(2, "little")).error == 0
    bench.wait(0.01)
    assert bench.read("present_current") == 100


def test_reboot_resets_ram_keeps_eeprom_and_takes_time():
    bench = Bench()
    bench.write("shutdown", 53)
    bench.write("led", 1)
    bench.write("torque_enable", 1)
    assert bench.ask(Instruction.REBOOT) is not None
    assert not bench.motor.torque_enabled
    assert bench.ask(Instruction.PING) is None
    bench.wait(BOOT_NS * 1e-9)
    assert (bench.read("led"), bench.read("torque_enable"), bench.read("shutdown")) == (0, 0, 53)


@pytest.mark.parametrize(("option", "motor_id", "baud"), [(0xFF, 1, 1), (0x01, 7, 1), (0x02, 7, 3)])
def test_factory_reset_keeps_the_registers_of_its_option(option, motor_id, baud):
    bench = Bench()
    bench.write("id", 7)
    bench.ask(Instruction.WRITE, bench.value("shutdown", 53), to=7)
    reply = bench.ask(Instruction.FACTORY_RESET, bytes((option,)), to=7)
    assert reply is not None
    assert (reply.id, reply.error) == (7, 0)
    motor = bench.motor
    assert [motor.read_register(name) for name in ("id", "baud_rate", "shutdown")] == [motor_id, baud, 52]


def test_clear_resets_the_turns_but_not_while_the_motor_moves():
    bench = Bench(plant=HeldPlant)
    bench.torque_on(4)
    bench.emulated.plant.velocity[0] = 20.0
    bench.wait(1.0)
    clear = bytes((0x01, 0x44, 0x58, 0x4C, 0x22))
    assert bench.ask(Instruction.CLEAR, clear).error == StatusError.RESULT_FAIL
    bench.emulated.plant.velocity[0] = 0.0
    turns = bench.read("present_position")
    assert turns > 4096
    assert bench.ask(Instruction.CLEAR, clear).error == 0
    assert bench.read("present_position") == turns % 4096
    assert bench.ask(Instruction.CLEAR, b"\x01").error == StatusError.DATA_RANGE


def test_the_alert_bit_is_in_every_reply_during_an_error():
    bench = Bench()
    bench.emulated.electrics.supplies[None].nominal = 9.0
    bench.write("torque_enable", 1)
    bench.wait(0.05)
    reply = bench.ask(Instruction.READ, bench.block("hardware_error_status"))
    assert (reply.error, reply.value) == (ALERT, 0x01)
    assert bench.motor.torque_enabled  # 52 does not include the voltage bit
    bench.emulated.electrics.supplies[None].nominal = 12.0
    bench.wait(0.05)
    assert bench.ask(Instruction.PING).error == 0


def test_shutdown_latches_torque_off_until_a_reboot():
    bench = Bench()
    bench.write("temperature_limit", 30)
    bench.write("torque_enable", 1)
    bench.emulated.electrics.temperature[0] = 40.0
    bench.wait(0.05)
    assert bench.motor.read_register("torque_enable") == 0
    bench.emulated.electrics.temperature[0] = 25.0
    bench.wait(0.05)
    reply = bench.ask(Instruction.WRITE, bench.value("torque_enable", 1))
    assert reply.error == ALERT | StatusError.RESULT_FAIL
    bench.ask(Instruction.REBOOT)
    bench.wait(0.2)
    assert bench.write("torque_enable", 1) == 0
    assert bench.read("hardware_error_status") == 0


def test_the_watchdog_counts_20_ms_units_from_the_last_instruction_to_any_motor():
    bench = Bench(2)
    bench.torque_on(0)
    bench.write("bus_watchdog", 3)
    for _ in range(10):
        bench.wait(0.050)
        bench.ask(Instruction.PING, to=2)
    assert not bench.motor.watchdog_tripped
    start_ns = bench.clock.now_ns()
    bench.wait(0.0595)
    assert not bench.motor.watchdog_tripped
    bench.wait(0.0025)
    assert bench.motor.watchdog_tripped
    assert bench.clock.now_ns() - start_ns < 63_000_000


def test_expired_watchdog_stops_the_motor_reads_minus_one_and_refuses_goals_until_cleared():
    bench = Bench()
    bench.torque_on(0)
    bench.write("goal_current", 100)
    bench.write("bus_watchdog", 2)
    bench.wait(0.1)
    assert bench.emulated.electrics.torque == pytest.approx([0.0], abs=1e-9)
    assert not bench.motor.driven
    assert bench.read("bus_watchdog") == -1
    assert bench.write("goal_current", 10) == StatusError.DATA_RANGE
    assert bench.write("bus_watchdog", 5) == StatusError.DATA_RANGE
    assert bench.write("bus_watchdog", 0) == 0
    assert bench.read("bus_watchdog") == 0
    assert bench.write("goal_current", 10) == 0


def test_the_watchdog_is_inactive_while_torque_is_off():
    bench = Bench()
    bench.write("bus_watchdog", 1)
    bench.wait(1.0)
    assert bench.read("bus_watchdog") == 1


def test_changing_the_operating_mode_resets_gains_and_profile():
    bench = Bench()
    for name in ("position_p_gain", "profile_velocity"):
        bench.write(name, 123)
    bench.write("operating_mode", 4)
    assert (bench.read("position_p_gain"), bench.read("profile_velocity")) == (800, 0)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 255), st.integers(0, 255), st.binary(max_size=40)), min_size=1, max_size=12))
def test_no_instruction_raises_in_the_motors(packets):
    bench = Bench(2)
    for to, instruction, parameters in packets:
        if to <= 252 or to == BROADCAST:
            bench.send(instruction, parameters, to)
    bench.wait(0.3)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 700), st.binary(min_size=1, max_size=60))
def test_refused_writes_change_nothing(address, data):
    bench = Bench()
    before = bytes(bench.motor.memory.bytes)
    if bench.motor.write(address, data, 0) is not None:
        assert bytes(bench.motor.memory.bytes) == before


# A damaged instruction


def damaged(frame: bytes) -> bytes:
    return frame[:-1] + bytes((frame[-1] ^ 0x40,))


def test_an_instruction_with_a_wrong_crc_gets_error_3_and_is_not_executed():
    bench = Bench()
    bench.transport.write(damaged(encode(1, Instruction.WRITE, bench.value("led", 1))))
    (reply,) = bench.listen()
    assert (reply.id, reply.error, reply.data) == (1, StatusError.CRC, b"")
    assert bench.read("led") == 0


def test_a_damaged_instruction_to_all_or_another_gets_no_reply():
    bench = Bench()
    for to in (BROADCAST, 2):
        bench.transport.write(damaged(encode(to, Instruction.PING)))
        assert bench.listen() == []


def test_a_damaged_instruction_does_not_feed_the_watchdog():
    bench = Bench()
    bench.write("bus_watchdog", 5)
    bench.torque_on(0)
    for _ in range(8):
        bench.transport.write(damaged(encode(1, Instruction.PING)))
        bench.wait(0.02)
    assert bench.motor.watchdog_tripped


def test_a_header_inside_the_parameters_is_not_a_damaged_instruction():
    bench = Bench()
    inside = encode(1, Instruction.PING)[:-1]  # cut off: the bytes after it are read as its CRC
    frame = HEADER + bytes((1,)) + (len(inside) + 5).to_bytes(2, "little") + bytes((Instruction.WRITE, 224, 0)) + inside
    frame += umts(frame).to_bytes(2, "little")  # unstuffed, as dynamixel-sdk sends it
    bench.transport.write(frame)
    (reply,) = bench.listen()
    assert reply.error & 0x7F != StatusError.CRC
