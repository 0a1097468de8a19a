"""Laws of the emulated STS motor: memory and its lock, modes, protections, and replies."""

import math

import numpy as np
import pytest
from feetech_bench import MOTOR, MS, TABLE, Bench
from hypothesis import given, settings
from hypothesis import strategies as st

from sim2real.configs.load import load_motor, load_robot
from sim2real.hardware.feetech.frame import BROADCAST, Instruction
from sim2real.hardware.feetech.schema import registers_of
from sim2real.hardware.feetech.tables import MemoryTable, Register, sts_table
from sim2real.hardware.firmware.profile import Profile

STEP = 2 * math.pi / 4096


class HeldPlant:
    """A blocked shaft."""

    timestep_ns = MS

    def __init__(self, robot) -> None:
        self.position = np.zeros(len(robot.joints))
        self.velocity = np.zeros(len(robot.joints))

    def step(self, effort) -> None:
        return


# The table

ADDRESSES = {
    "model_number": 3,
    "id": 5,
    "baud_rate": 6,
    "return_delay_time": 7,
    "response_status_level": 8,
    "min_position_limit": 9,
    "max_position_limit": 11,
    "phase": 18,
    "position_offset": 31,
    "operating_mode": 33,
    "torque_enable": 40,
    "acceleration": 41,
    "goal_position": 42,
    "goal_time": 44,
    "goal_velocity": 46,
    "torque_limit": 48,
    "lock": 55,
    "present_position": 56,
    "present_velocity": 58,
    "present_load": 60,
    "present_voltage": 62,
    "present_temperature": 63,
    "status": 65,
    "moving": 66,
    "present_current": 69,
    "maximum_acceleration": 85,
}


@pytest.mark.parametrize("name", ["sts3215_7v4", "sts3215_12v"])
def test_the_table_matches_the_vendor_s(name):
    table = sts_table(load_motor(name))
    assert {register: table[register].address for register in ADDRESSES} == ADDRESSES
    assert table["model_number"].initial == 777
    signs = {register.name: register.sign_bit for register in table if register.sign_bit is not None}
    assert signs["position_offset"] == 11
    assert signs["present_load"] == 10
    assert signs["goal_position"] == signs["present_velocity"] == signs["present_current"] == 15
    for register in table:
        assert register.minimum <= register.initial <= register.maximum
        assert register.decode(register.encode(register.initial)) == register.initial


@given(st.sampled_from([register for register in TABLE if register.sign_bit]), st.integers(-40_000, 40_000))
def test_sign_and_magnitude_round_trip_or_do_not_fit(register, value):
    if abs(value) < 1 << register.sign_bit:
        assert register.decode(register.encode(value)) == value
    else:
        with pytest.raises(OverflowError):
            register.encode(value)


def test_table_refuses_registers_that_overlap_or_share_a_name():
    register = Register("a", 0, 2, "rw", "ram", None, 0, 0, 1)
    with pytest.raises(ValueError, match="overlap"):
        MemoryTable((register, Register("b", 1, 1, "rw", "ram", None, 0, 0, 1)))
    with pytest.raises(ValueError, match="name"):
        MemoryTable((register, Register("a", 2, 1, "rw", "ram", None, 0, 0, 1)))
    with pytest.raises(KeyError, match="valid: a"):
        MemoryTable((register,))["b"]
    with pytest.raises(TypeError, match="family"):
        registers_of(load_robot("pendulum").joints["pivot"].motor)


# Replies


def test_only_pings_and_reads_get_replies_at_level_0():
    bench = Bench(1)
    bench.write("response_status_level", 0)
    assert bench.ask(Instruction.WRITE, bytes((40, 1))) is None
    assert bench.motor.torque_enabled
    assert bench.ask(Instruction.PING) is not None
    assert bench.read("torque_enable") == 1
    assert len(bench.sync_read("present_position", [1])) == 1


def test_of_all_broadcasts_only_a_ping_gets_replies_ordered_by_id():
    bench = Bench(3)
    bench.ask(Instruction.WRITE, bytes((40, 1)), to=BROADCAST)
    assert bench.listen() == []
    assert all(motor.torque_enabled for motor in bench.emulated.motors.values())
    assert bench.ask(Instruction.READ, bytes((56, 2)), to=BROADCAST) is None
    bench.transport.write(bytes.fromhex("FF FF FE 02 01 FE"))
    assert [reply.id for reply in bench.listen()] == [1, 2, 3]


def test_a_sync_read_gets_replies_in_order_up_to_a_silent_motor():
    bench = Bench(3)
    assert [reply.id for reply in bench.sync_read("present_position", [3, 1, 2])] == [3, 1, 2]
    bench.emulated.motors["pivot"].silent = True
    assert [reply.id for reply in bench.sync_read("present_position", [3, 1, 2])] == [3]


@pytest.mark.parametrize(
    ("instruction", "parameters"),
    [
        (0x55, b""),
        (Instruction.READ, b"\x38"),
        (Instruction.READ, b"\x38\x00"),
        (Instruction.WRITE, b"\x28"),
        (4, b"\x28"),
    ],
)
def test_invalid_instructions_get_no_reply(instruction, parameters):
    assert Bench(1).ask(instruction, parameters) is None


@pytest.mark.parametrize("parameters", [b"", b"\x2a", b"\x2a\x02\x01\x00", b"\x2a\x00\x01"])
@pytest.mark.parametrize("instruction", [Instruction.SYNC_READ, Instruction.SYNC_WRITE])
def test_cut_off_group_instructions_do_nothing(instruction, parameters):
    bench = Bench(1)
    before = bench.read("goal_position")
    bench.ask(instruction, parameters, to=BROADCAST)
    bench.listen()
    assert bench.read("goal_position") == before


def test_return_delay_is_in_units_of_2_us():
    bench = Bench(1)
    start = bench.clock.now_ns()
    bench.ask(Instruction.PING)
    quick = bench.clock.now_ns() - start
    bench.write("return_delay_time", 250)
    start = bench.clock.now_ns()
    bench.ask(Instruction.PING)
    assert bench.clock.now_ns() - start - quick == 500_000


# Memory


def test_eeprom_writes_are_persistent_only_while_unlocked():
    bench = Bench(1)
    bench.write("position_p_gain", 20)
    bench.write("lock", 0)
    bench.write("position_d_gain", 10)
    bench.write("lock", 1)
    assert (bench.read("position_p_gain"), bench.read("position_d_gain")) == (20, 10)
    bench.ask(Instruction.REBOOT)
    bench.wait(0.2)
    assert (bench.read("position_p_gain"), bench.read("position_d_gain")) == (32, 10)
    assert bench.read("lock") == 1


def test_read_only_and_out_of_range_writes_are_ignored_without_error():
    bench = Bench(1)
    for name, value in (("model_number", 1), ("present_position", 7), ("operating_mode", 9), ("torque_limit", 1001)):
        before = bench.read(name)
        assert bench.write(name, value) == 0
        assert bench.read(name) == before


def test_half_a_register_can_be_written():
    bench = Bench(1)
    bench.ask(Instruction.WRITE, bytes((48, 0x10)))  # low byte of the torque limit, 1000 = 0x3E8
    assert bench.read("torque_limit") == 0x310


def test_torque_limit_starts_at_max_torque():
    bench = Bench(1)
    bench.write("lock", 0)
    bench.write("max_torque", 600)
    bench.ask(Instruction.REBOOT)
    bench.wait(0.2)
    assert bench.read("torque_limit") == 600


def test_recovery_resets_everything_except_the_id():
    bench = Bench(2)
    bench.write("position_p_gain", 20, to=2)
    assert bench.ask(Instruction.RECOVERY, to=2) is not None
    bench.wait(0.2)
    assert bench.read("position_p_gain", to=2) == 32


def test_action_without_a_registered_write_does_nothing():
    bench = Bench(1)
    assert bench.ask(Instruction.ACTION) is not None
    assert bench.ask(Instruction.REG_WRITE, bytes((42, 0, 9))) is not None
    assert bench.read("registered_write") == 1
    bench.ask(Instruction.ACTION)
    assert (bench.read("goal_position"), bench.read("registered_write")) == (0x900, 0)


# Position


def test_the_goal_at_torque_on_is_the_present_position():
    bench = Bench(1)
    bench.plant.position[0] = 0.3
    bench.write("torque_enable", 1)
    assert bench.read("goal_position") == bench.read("present_position") == 2048 + round(0.3 / STEP)
    bench.wait(0.2)
    assert bench.plant.position[0] == pytest.approx(0.3, abs=STEP)


def test_goal_is_reached_at_the_speed_and_within_the_limits():
    bench = Bench(1)
    bench.write("max_position_limit", 3000)
    bench.write("torque_enable", 1)
    bench.write("goal_velocity", 800)
    bench.write("goal_position", 4000)
    bench.wait(0.6)
    assert bench.read("present_velocity") == pytest.approx(800, abs=40)
    assert bench.read("moving") == 1
    bench.wait(1.5)
    assert bench.read("present_position") == pytest.approx(3000, abs=3)
    assert bench.read("moving") == 0
    assert bench.read("target_position") == 3000


def test_goal_time_is_the_duration_of_the_move():
    bench = Bench(1)
    bench.write("torque_enable", 1)
    bench.write("goal_time", 1000)
    bench.write("goal_position", 2848)
    bench.wait(0.5)
    assert bench.read("present_position") == pytest.approx(2448, abs=60)
    bench.wait(1.0)
    assert bench.read("present_position") == pytest.approx(2848, abs=3)


def test_acceleration_is_in_units_of_100_steps_per_second_squared():
    bench = Bench(1)
    bench.write("torque_enable", 1)
    bench.write("acceleration", 10)
    bench.write("goal_position", 3500)
    bench.wait(0.5)
    assert bench.read("present_position") == pytest.approx(2048 + 0.5 * 1000 * 0.25, abs=25)


def test_zero_goal_velocity_is_a_stop_without_its_bit_of_phase():
    bench = Bench(1)
    bench.write("phase", 4)
    bench.write("torque_enable", 1)
    bench.write("goal_velocity", 0)
    bench.write("goal_position", 3000)
    bench.wait(0.3)
    assert bench.read("present_position") == 2048


@pytest.mark.parametrize("phase", [12, 12 | 128])
def test_present_position_is_the_actual_one_minus_the_offset_within_a_turn(phase):
    bench = Bench(1)
    bench.write("phase", phase)
    sign = -1 if phase & 128 else 1
    actual = sign * 2048 % 4096
    bench.write("position_offset", -300)
    assert bench.read("present_position") == (actual + 300) % 4096
    bench.plant.position[0] = math.pi  # past the wrap
    assert bench.read("present_position") == (actual + sign * 2048 + 300) % 4096


def test_turns_are_counted_with_their_bit_of_phase_until_they_are_cleared():
    bench = Bench(1)
    bench.write("phase", 12 | 16)
    bench.plant.position[0] = 3 * math.pi
    assert bench.read("present_position") == 2048 + 3 * 2048
    bench.plant.position[0] = -3 * math.pi
    assert bench.read("present_position") == 2048 - 3 * 2048
    bench.ask(Instruction.CLEAR_TURNS)
    assert 0 <= bench.read("present_position") < 4096


def test_torque_128_sets_the_centre_without_torque_or_motion():
    bench = Bench(1)
    bench.plant.position[0] = 0.5
    bench.write("torque_enable", 1)
    bench.write("torque_enable", 128)
    assert (bench.read("torque_enable"), bench.read("present_position")) == (1, 2048)
    bench.wait(0.3)
    assert bench.plant.position[0] == pytest.approx(0.5, abs=2 * STEP)
    bench.ask(Instruction.REBOOT)
    bench.wait(0.2)
    assert bench.read("present_position") == pytest.approx(2048, abs=2)
    bench.write("torque_enable", 77)
    assert bench.read("torque_enable") == 0


# Other modes


@pytest.mark.parametrize(("phase", "unit"), [(12, 1), (8, 50)])
def test_speed_mode_holds_speeds_of_both_signs_in_the_unit_of_the_phase(phase, unit):
    bench = Bench(1)
    bench.write("phase", phase)
    bench.write("operating_mode", 1)
    bench.write("torque_enable", 1)
    for speed in (1000, -1000):
        bench.write("goal_velocity", speed // unit)
        bench.wait(3.0)
        assert bench.read("present_velocity") * unit == pytest.approx(speed, abs=60)


def test_pwm_mode_outputs_the_commanded_duty():
    bench = Bench(1)
    bench.write("operating_mode", 2)
    bench.write("torque_enable", 1)
    for duty in (300, -300):
        bench.write("goal_time", duty)
        bench.wait(0.05)
        assert bench.read("present_load") == duty


def test_step_mode_moves_by_the_goal():
    bench = Bench(1)
    bench.write("operating_mode", 3)
    bench.write("torque_enable", 1)
    start = bench.plant.position[0]
    for _ in range(2):
        bench.write("goal_position", -200)
        bench.wait(1.0)
    assert (bench.plant.position[0] - start) / STEP == pytest.approx(-400, abs=6)
    assert abs(bench.read("present_position")) <= 3  # the remaining distance


def test_damped_torque_brakes_without_a_goal():
    bench = Bench(1)
    bench.write("torque_enable", 2)
    bench.plant.velocity[0] = 3.0
    bench.wait(0.5)
    assert abs(bench.plant.velocity[0]) < 0.5
    assert bench.read("present_load") == 0


# Protections


def test_overload_reduces_torque_after_its_time_until_torque_is_off():
    bench = Bench(1, HeldPlant)
    bench.write("torque_enable", 1)
    bench.write("goal_position", 3000)
    bench.wait(1.9)
    assert (bench.read("status"), bench.read("present_load")) == (0, 970)
    bench.wait(0.2)
    assert bench.read("status") == 32
    bench.wait(0.05)
    assert bench.read("present_load") == 200  # protective torque, 20 %
    assert bench.ask(Instruction.PING).code == 32
    bench.write("torque_enable", 0)
    assert bench.read("status") == 0


def test_an_overload_without_its_unloading_bit_is_only_reported():
    bench = Bench(1, HeldPlant)
    bench.write("unloading_condition", 0)
    bench.write("torque_enable", 1)
    bench.write("goal_position", 3000)
    bench.wait(2.2)
    assert (bench.read("status"), bench.read("present_load")) == (32, 970)


def test_overcurrent_switches_torque_off_after_its_time():
    bench = Bench(1, HeldPlant)
    bench.write("protection_current", 200)  # 1.3 A
    bench.write("overcurrent_time", 50)
    bench.write("protection_time", 254)
    bench.write("torque_enable", 1)
    bench.write("goal_position", 3000)
    bench.wait(0.4)
    assert bench.read("present_current") > 300
    assert bench.read("torque_enable") == 1
    bench.wait(0.2)
    assert (bench.read("status"), bench.read("torque_enable")) == (8, 0)


def test_overheating_switches_torque_off_and_its_alarm_ends_with_it():
    bench = Bench(1)
    bench.write("torque_enable", 1)
    bench.emulated.electrics.temperature[0] = 75.0
    bench.wait(0.03)
    assert (bench.read("status"), bench.read("torque_enable")) == (4, 0)
    bench.emulated.electrics.temperature[0] = 30.0
    bench.wait(0.03)
    assert (bench.read("status"), bench.read("torque_enable")) == (0, 0)


@pytest.mark.parametrize(("mask", "on"), [(44, 1), (45, 0)])
def test_voltage_is_an_alarm_and_unloads_only_with_its_bit(mask, on):
    bench = Bench(1)
    bench.write("unloading_condition", mask)
    bench.write("torque_enable", 1)
    bench.emulated.electrics.supplies[None].set_nominal(15.0)
    bench.wait(0.03)
    assert (bench.read("status"), bench.read("torque_enable")) == (1, on)


def test_a_stuck_encoder_shows_a_motor_at_rest():
    bench = Bench(1)
    bench.motor.freeze_encoder()
    bench.plant.position[0] = 0.3
    bench.plant.velocity[0] = 1.0
    assert (bench.read("present_position"), bench.read("present_velocity")) == (2048, 0)
    bench.motor.release_encoder()
    assert bench.read("present_position") > 2048


def test_report_has_the_registers_for_checks():
    bench = Bench(1)
    assert bench.motor.report(0)["present_position"] == 2048
    assert bench.motor.temperature_limit == MOTOR.temperature_max
    assert bench.emulated.snapshot()["torque_off"]


# The trajectory


@settings(deadline=None)  # a slow trajectory takes many steps
@given(
    st.floats(-5000, 5000),
    st.floats(0, 5000).filter(lambda value: value == 0 or value > 10),
    st.floats(0, 20_000).filter(lambda value: value == 0 or value > 100),
)
def test_a_trajectory_ends_at_its_goal_within_its_limits(goal, speed, acceleration):
    profile = Profile()
    profile.goal, profile.speed, profile.acceleration = goal, speed, acceleration
    before, steps = 0.0, 0
    while profile.running:
        profile.step(1e-3)
        if profile.running and speed:
            assert abs(profile.velocity) <= speed * (1 + 1e-9)
        if profile.running and acceleration:
            assert abs(profile.velocity - before) <= acceleration * 1e-3 * (1 + 1e-9)
        before, steps = profile.velocity, steps + 1
        assert steps < 700_000
    assert profile.position == goal
