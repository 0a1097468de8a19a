"""Laws of the emulated motor's control loops, readings and windings."""

import math
from itertools import pairwise

import pytest
from emulated import Bench, HeldPlant

from sim2real.hardware.dynamixel.firmware.profile import XSeriesProfile
from sim2real.hardware.emulator.electrics import AMBIENT

UNIT = 0.00269  # A per current unit
VELOCITY_UNIT = 0.229 * 2 * math.pi / 60


@pytest.mark.parametrize("direction", [1, -1])
@pytest.mark.parametrize("goal", [-200, -1, 0, 50, 400])
def test_a_current_goal_delivers_its_torque_until_the_voltage_saturates(goal, direction):
    bench = Bench(plant=HeldPlant)
    bench.emulated.plant.velocity[0] = 1.0
    bench.write("drive_mode", 1 if direction < 0 else 0)
    bench.torque_on(0)
    bench.write("goal_current", goal)
    bench.wait(0.01)
    constant = bench.config.joints["pivot"].motor.torque_constant
    assert bench.emulated.electrics.torque[0] == pytest.approx(direction * goal * UNIT * constant, abs=1e-9)
    assert bench.read("present_current") == goal


def test_voltage_limits_the_torque_of_a_fast_motor():
    bench = Bench(plant=HeldPlant)
    motor = bench.config.joints["pivot"].motor.nominal
    bench.torque_on(0)
    bench.write("goal_current", 600)
    bench.emulated.plant.velocity[0] = 0.75 * motor.no_load_speed
    bench.wait(0.01)
    assert bench.emulated.electrics.torque[0] == pytest.approx(0.25 * motor.stall_torque, rel=0.02)


def test_full_pwm_reaches_stall_torque_and_no_load_speed_of_the_datasheet():
    held = Bench(plant=HeldPlant)
    held.torque_on(16)
    assert held.read("goal_pwm") == 0
    held.write("goal_pwm", 885)
    held.wait(0.05)
    nominal = held.config.joints["pivot"].motor.nominal
    assert held.emulated.electrics.torque[0] == pytest.approx(nominal.stall_torque, rel=0.02)  # the supply sags
    held.emulated.plant.velocity[0] = nominal.no_load_speed
    held.wait(0.05)
    assert held.emulated.electrics.torque[0] == pytest.approx(0.0, abs=0.01)


def test_torque_off_is_an_open_circuit():
    bench = Bench(plant=HeldPlant)
    bench.emulated.plant.velocity[0] = 3.0
    bench.wait(0.01)
    assert bench.emulated.electrics.torque == [0.0]


def test_readings_are_in_register_units():
    bench = Bench(plant=HeldPlant)
    bench.emulated.plant.position[0] = 0.5  # joint angle; the motor angle is 180° more
    assert bench.read("present_position") == 2048 + round(0.5 * 4096 / (2 * math.pi))
    bench.emulated.plant.velocity[0] = -1.0
    assert bench.read("present_velocity") == round(-1.0 / VELOCITY_UNIT)
    assert bench.read("moving") == 1
    assert bench.read("present_input_voltage") == 120
    assert bench.read("present_temperature") == AMBIENT
    bench.wait(40.0)
    ticks = bench.read("realtime_tick")
    bench.wait(0.007)
    assert 7 <= (bench.read("realtime_tick") - ticks) % 32768 <= 9


def test_position_counts_turns_until_position_mode_resets_them():
    bench = Bench(plant=HeldPlant)
    bench.emulated.plant.position[0] = 7.0
    turned = 2048 + round(7.0 * 4096 / (2 * math.pi))
    assert bench.read("present_position") == turned > 4096
    bench.write("torque_enable", 1)
    assert bench.read("present_position") == turned % 4096


def test_homing_offset_moves_the_reading_not_the_motor():
    bench = Bench(plant=HeldPlant)
    bench.write("homing_offset", 100)
    assert bench.read("present_position") == 2148
    bench.write("homing_offset", 2000)  # position mode ignores more than a quarter turn
    assert bench.read("present_position") == 2048


def test_reverse_mode_inverts_every_sign():
    bench = Bench(plant=HeldPlant)
    bench.write("drive_mode", 1)
    before = bench.read("present_position")
    bench.emulated.plant.velocity[0] = 1.0
    bench.wait(0.1)
    assert bench.read("present_velocity") == round(-1.0 / VELOCITY_UNIT)
    assert bench.read("present_position") < before


@pytest.mark.parametrize("mode", [3, 4, 5])
def test_torque_on_makes_the_present_position_the_goal(mode):
    bench = Bench()
    bench.write("goal_position", 500)
    bench.torque_on(mode)
    assert bench.read("goal_position") == bench.read("present_position") == 2048
    bench.wait(0.2)
    assert bench.read("present_position") == 2048


@pytest.mark.parametrize("mode", [3, 4, 5])
def test_position_modes_reach_their_goal(mode):
    bench = Bench()
    bench.torque_on(mode)
    bench.write("goal_position", 2500)
    bench.wait(2.0)
    # Gear friction of 0.1 N·m stops a P controller short of it: 0.1 / (6.25 counts gain) is about 3 counts.
    assert bench.read("present_position") == pytest.approx(2500, abs=6)
    assert bench.read("moving_status") & 1


def test_integral_gain_removes_the_error_due_to_friction():
    bench = Bench()
    bench.write("position_i_gain", 2000)
    bench.write("position_d_gain", 400)
    bench.write("torque_enable", 1)
    bench.write("goal_position", 2500)
    bench.wait(5.0)
    assert bench.read("present_position") == pytest.approx(2500, abs=1)


def test_velocity_mode_holds_its_goal():
    bench = Bench()
    bench.torque_on(1)
    bench.write("goal_velocity", 100)
    bench.wait(2.0)
    assert bench.read("present_velocity") == pytest.approx(100, abs=2)


def test_current_based_position_mode_never_exceeds_its_goal_current():
    bench = Bench(plant=HeldPlant)
    bench.torque_on(5)
    bench.write("goal_current", 50)
    bench.write("goal_position", 4000)
    bench.wait(0.1)
    assert bench.read("present_current") == 50


def test_profile_velocity_limits_the_trajectory():
    bench = Bench()
    bench.write("profile_velocity", 50)
    bench.write("profile_acceleration", 20)
    bench.write("torque_enable", 1)
    bench.write("goal_position", 4000)
    speeds = []
    for _ in range(150):
        bench.wait(0.02)
        speeds.append(bench.read("velocity_trajectory"))
    assert max(speeds) == 50
    assert bench.read("position_trajectory") == 4000
    assert bench.read("present_position") == pytest.approx(4000, abs=6)


@pytest.mark.parametrize("goal", [-3000.0, 10.0, 2000.0])
def test_a_trapezoid_ends_at_the_goal_within_both_limits(goal):
    profile = XSeriesProfile()
    profile.aim(goal, 500.0, 1000.0)
    velocities = [0.0]
    for _ in range(20_000):
        profile.step(1e-3)
        velocities.append(profile.velocity)
    changes = [abs(after - before) for before, after in pairwise(velocities)]
    assert profile.position == goal
    assert max(map(abs, velocities)) <= 500.0 + 1e-9
    assert max(changes) <= 2.0 + 1e-9  # twice where it stops


def test_a_time_based_profile_arrives_on_time():
    profile = XSeriesProfile()
    profile.aim_in_time(1000.0, 2.0, 0.5)
    for _ in range(1990):
        profile.step(1e-3)
    assert profile.running
    for _ in range(30):
        profile.step(1e-3)
    assert profile.position == 1000.0


def test_current_heats_the_winding_and_raises_its_resistance():
    bench = Bench(plant=HeldPlant)
    cold = bench.emulated.electrics.resistance[0]
    bench.torque_on(16)
    bench.write("goal_pwm", 400)
    bench.wait(20.0)
    electrics = bench.emulated.electrics
    assert AMBIENT + 1.0 < electrics.temperature[0] < 60.0
    assert electrics.resistance[0] > cold
    assert electrics.supplies[None].voltage < 12.0


def test_stalled_motor_reports_overload_and_shuts_down():
    bench = Bench(plant=HeldPlant)
    bench.torque_on(16)
    bench.write("goal_pwm", 885)
    bench.wait(3.0)
    assert bench.motor.read_register("hardware_error_status") == 0x20
    assert not bench.motor.torque_enabled


def test_the_watchdog_holds_the_position_in_position_mode():
    bench = Bench()
    bench.write("profile_velocity", 20)
    bench.write("torque_enable", 1)
    bench.write("goal_position", 4000)
    bench.write("bus_watchdog", 5)
    bench.wait(0.3)
    stopped = bench.motor.read_register("goal_position")
    bench.wait(1.0)
    assert bench.motor.watchdog_tripped
    assert 2048 < stopped < 2200
    assert bench.motor.read_register("present_position") == pytest.approx(stopped, abs=6)
