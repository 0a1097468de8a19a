"""Laws of motors that are emulated without a robot."""

import pytest

from sim2real.configs.library import shipped
from sim2real.configs.load import load_motor
from sim2real.hardware.emulator.motors_only import robot_of_motors


@pytest.mark.parametrize("name", shipped("motors"))
def test_every_shipped_motor_can_be_emulated_alone(name):
    """One whose peak torque is below the stall torque of its winding was a traceback."""
    motor = load_motor(name)
    robot = robot_of_motors(motor, (1, 2), 1_000_000)
    assert [joint.id for joint in robot.joints.values()] == [1, 2]
    assert all(joint.effort_limit == motor.nominal.effort_max for joint in robot.joints.values())
