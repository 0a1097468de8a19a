"""The steady rise of temperature that a task may budget is the one that the emulated windings come to."""

import pytest

from sim2real.configs.library import shipped
from sim2real.configs.load import load_motor, load_robot
from sim2real.hardware.emulator.electrics import Electrics


def test_the_rise_of_a_motor_is_worked_by_hand() -> None:
    # XM430-W350: 46 rpm = 4.8171 rad/s, 4.1 N·m, 13 K/W. At 1 N·m: K = 12/4.8171, R = K·12/4.1, i = 1/K, R·i²·13.
    constant = 12.0 / 4.81711
    amperes = 1.0 / constant
    assert load_motor("xm430_w350").heat_rise == pytest.approx(constant * 12.0 / 4.1 * amperes**2 * 13.0, rel=1e-5)
    assert load_motor("xm430_w350").heat_rise == pytest.approx(15.274, rel=1e-4)


@pytest.mark.parametrize("name", shipped("robots"))
def test_the_rise_is_what_the_emulated_winding_heats_by(name: str) -> None:
    robot = load_robot(name)
    electrics = Electrics(robot, 0.001)
    for motor, constant, ohms in zip(
        (joint.motor for joint in robot.joints.values()), electrics.motor_constant, electrics.resistance, strict=True
    ):
        assert motor.heat_rise == pytest.approx(ohms / constant**2 * motor.thermal.resistance, rel=1e-12)
