"""Laws of the start gains of a new robot: damping is critical, by inertia worked by hand, if the motor can hold it."""

import math
from pathlib import Path

import pytest

from sim2real.hardware.dynamixel.gains import position_gains
from sim2real.new_robot.joint_loads import joint_drives, joint_loads
from sim2real.new_robot.robot import NewRobot, NewRobotOptions, new_robot
from sim2real.plant import MujocoPlant

MASS, LENGTH, BALL = 0.5, 0.3, 0.02
ARM = (
    "<mujoco><worldbody><body><joint name='lift' axis='0 1 0' range='-90 90'/>"
    f"<geom type='sphere' size='{BALL}' mass='{{mass}}' pos='{LENGTH} 0 0'/>{{more}}</body></worldbody></mujoco>"
)
ELBOW = (
    f"<body pos='{LENGTH} 0 0'><joint name='bend' axis='0 1 0' range='-150 150'/>"
    f"<geom type='sphere' size='{BALL}' mass='{MASS}' pos='{LENGTH} 0 0'/></body>"
)


def made(folder: Path, motor: str, mass: float = MASS, more: str = "") -> NewRobot:
    (folder / "arm.xml").write_text(ARM.format(mass=mass, more=more))
    return new_robot(folder / "arm.xml", folder / "robot.yaml", NewRobotOptions(motor=motor))


def line(robot: NewRobot, key: str) -> str:
    return next(text for text in robot.text.splitlines() if text.startswith(f"    {key}:"))


def ball(distance: float) -> float:
    """Inertia of one ball about a parallel axis, kg·m²."""
    return MASS * (0.4 * BALL**2 + distance**2)


def test_inertia_and_gravity_are_those_of_the_worst_pose(tmp_path):
    robot = made(tmp_path, "xm430_w350", more=ELBOW).config
    loads = joint_loads(robot, MujocoPlant(robot))
    armature = robot.joints["lift"].motor.armature
    # Stretched, the second ball is two lengths away; the start pose is that one.
    assert loads["lift"].inertia == pytest.approx(armature + ball(LENGTH) + ball(2.0 * LENGTH))
    assert loads["lift"].gravity == pytest.approx(9.81 * MASS * 3.0 * LENGTH)
    assert loads["bend"].inertia == pytest.approx(armature + ball(LENGTH))


def test_damping_is_critical_with_the_friction_that_is_there(tmp_path):
    made_robot = made(tmp_path, "xm430_w350")
    joint = made_robot.config.joints["lift"]
    inertia = joint.motor.armature + ball(LENGTH)
    total = joint.damping + joint.motor.friction.viscous
    assert total == pytest.approx(2.0 * math.sqrt(joint.stiffness * inertia), rel=0.05)
    assert f"critical for {inertia:.2g} kg*m^2" in line(made_robot, "damping")
    assert "gravity takes up to 1.5 N*m" in line(made_robot, "effort_limit")


def test_a_light_joint_has_the_damping_that_no_gain_takes_from_its_motor(tmp_path):
    made_robot = made(tmp_path, "xm430_w350", mass=0.01)
    assert "the motor's own, more than critical" in line(made_robot, "damping")
    assert position_gains(made_robot.config.joints["lift"]).d == 0


def test_a_damping_beyond_the_registers_is_not_asked_for(tmp_path):
    """It would set the highest D gain, which amplifies noise and damps hardly more."""
    made_robot = made(tmp_path, "sts3215_7v4")
    robot = made_robot.config
    drive = joint_drives(robot, MujocoPlant(robot))["lift"]
    assert robot.joints["lift"].damping == drive.damping < 0.4
    assert "its registers do not reach 1" in line(made_robot, "damping")


def test_little_that_gravity_leaves_is_a_line(tmp_path):
    tight = "gravity takes most of the effort somewhere in the range, with a fixed base: lift (2.2 of 2.8 N*m)"
    assert tight in made(tmp_path, "xm430_w350", mass=0.75).checks
    assert not any("most of the effort" in check for check in made(tmp_path, "xm430_w350").checks)
