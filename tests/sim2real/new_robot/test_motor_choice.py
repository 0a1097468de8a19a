"""Laws of the motor that `new robot` guesses: the weakest shipped one that carries the model, of the user's family."""

from pathlib import Path

import pytest
from foreign_models import FLOOR, made, quadruped

from sim2real.configs.library import shipped
from sim2real.configs.load import load_motor
from sim2real.new_robot.joint_loads import GRAVITY_SHARE
from sim2real.new_robot.start_values import DEFAULT_MOTOR, Motor


def pendulum(torque: float) -> str:
    """A hinge that gravity loads with a torque, N·m."""
    mass = torque / (0.5 * 9.81)
    rod = f'<geom type="sphere" size=".02" pos=".5 0 0" mass="{mass}"/>'
    link = f'<body pos="0 0 2"><joint name="a" axis="0 1 0"/>{rod}</body>'
    return f"<mujoco><worldbody>{FLOOR}{link}</worldbody></mujoco>"


def efforts(family: str | None = None) -> dict[str, float]:
    """Effort limits that `new robot` gives joints with the shipped motors."""
    motors = {name: load_motor(name) for name in shipped("motors")}
    return {name: Motor(name, motor).effort for name, motor in motors.items() if family in (None, motor.family)}


@pytest.mark.parametrize("torque", [0.5, 1.9, 2.5, 4.0, 5.5, 6.5, 10.0])
def test_the_weakest_motor_that_carries_the_load_is_chosen(torque: float, tmp_path: Path) -> None:
    new = made(tmp_path, pendulum(torque))
    joint, needed, known = new.config.joints["a"], torque / GRAVITY_SHARE, efforts()
    enough = {name: effort for name, effort in known.items() if effort >= max(needed, known[DEFAULT_MOTOR])}
    expected = DEFAULT_MOTOR if known[DEFAULT_MOTOR] >= needed else min(enough, key=lambda name: (enough[name], name))
    assert joint.motor.name == expected
    assert joint.effort_limit == known[expected] >= needed
    said = next(line for line in new.checks if line.startswith("motor: "))
    assert ("the weakest that holds the robot" in said) == (expected != DEFAULT_MOTOR)
    assert not any("too weak" in line or "gravity takes most" in line for line in new.checks)


def test_where_none_is_enough_it_is_the_strongest_and_both_are_said(tmp_path: Path) -> None:
    new, known = made(tmp_path, pendulum(500.0)), efforts()
    assert new.config.joints["a"].motor.name == max(known, key=lambda name: known[name])
    assert any("the strongest; none holds the robot well" in line for line in new.checks)
    assert any("too weak to hold the start pose" in line for line in new.checks)


def test_legs_that_carry_the_robot_count_not_what_they_weigh(tmp_path: Path) -> None:
    new = made(tmp_path, quadruped().replace('mass="5"', 'mass="10"'))
    assert new.config.joints["fl_knee"].motor.name != DEFAULT_MOTOR
    assert not any("on half of its feet" in line for line in new.checks)


@pytest.mark.parametrize("protocol", ["feetech", "dynamixel2", "moteus"])
def test_a_protocol_leaves_its_family(protocol: str, tmp_path: Path) -> None:
    motor = made(tmp_path, pendulum(100.0), protocol=protocol).config.joints["a"].motor
    known = efforts(motor.family)
    assert Motor("", motor).effort == max(known.values())


def test_the_users_motor_stays_however_weak(tmp_path: Path) -> None:
    assert made(tmp_path, pendulum(100.0), motor="xl330_m077").config.joints["a"].motor.name == "xl330_m077"
