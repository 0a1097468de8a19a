"""Laws of `motors move`, on every family: slow, within the robot's limits, else refused or stopped."""

import math

import numpy as np
import pytest

from sim2real.configs.errors import UserError
from sim2real.configs.load import load_robot
from sim2real.hardware.conformance.rig import Rig
from sim2real.hardware.errors import HardwareError
from sim2real.hardware.rehearsal.calibration import one_joint
from sim2real.hardware.workbench.held_joints import SPEED
from sim2real.hardware.workbench.move import Mover, refuse

ROBOTS = ("pendulum", "quadruped", "so101", "hopper_leg")


def made(config, targets, speed=None, *faults):
    rig = Rig(config.model_copy(update={"imus": {}}), *faults)
    rig.hardware.open()
    return rig, Mover(rig.config, rig.hardware, rig.clock, targets, speed)


def moved(rig):
    """Positions and velocities of the plant, (steps, 2, joints)."""
    rig.settle()
    return np.array(rig.plant.trace)


@pytest.mark.parametrize("robot", ROBOTS)
def test_a_joint_arrives_slowly_and_torque_goes_off(robot):
    config = one_joint(load_robot(robot))
    joint = next(iter(config.joints))
    target = config.joints[joint].default_position + 0.3
    rig, mover = made(config, {joint: target})
    assert not any(rig.torques())
    seconds = mover.begin()
    assert not any(rig.torques()), "where the joints are is read without torque"
    told = []
    (found,) = mover.move(0.5, lambda now, total: told.append((now, total)))
    assert found.ok
    assert abs(rig.plant.position[0] - target) <= config.ready.tolerance
    assert np.abs(moved(rig)[:, 1]).max() <= 2.0 * SPEED
    assert told[-1][0] == pytest.approx(told[-1][1])
    assert told[-1][1] == pytest.approx(seconds + 0.5, abs=0.03)
    rig.hardware.disable()
    assert not any(rig.torques())


def test_several_joints_move_together_and_the_others_hold():
    config = load_robot("so101")
    names = list(config.joints)
    targets = {names[0]: 0.4, names[1]: config.joints[names[1]].default_position - 0.2}
    rig, mover = made(config, targets)
    start = rig.plant.position.copy()
    mover.begin()
    assert [one.ok for one in mover.move(0.3)] == [True, True]
    trace = moved(rig)[:, 0]
    assert np.abs(trace[:, 2:] - start[2:]).max() < math.radians(3.0)
    done = [np.argmax(np.abs(trace[:, i] - start[i]) > 0.95 * abs(trace[-1, i] - start[i])) for i in (0, 1)]
    assert abs(done[0] - done[1]) < 0.15 * max(done), "all take the same time"


def test_speed_acceleration_and_jerk_are_those_of_the_yaml():
    config = one_joint(load_robot("pendulum"), acceleration_limit=0.5, jerk_limit=1.0)
    rig, mover = made(config, {"pivot": 0.8}, 9.0)
    way = abs(0.8 - float(rig.plant.position[0]))
    slowest = max(math.pi * math.sqrt(way / (2 * 0.5)), math.pi * math.cbrt(way / (2 * 1.0)))
    assert mover.begin() == pytest.approx(slowest, rel=0.02)
    mover.move(0.2)
    assert np.abs(moved(rig)[:, 1]).max() <= 1.3 * math.pi / 2 * way / slowest


@pytest.mark.parametrize(
    ("targets", "speed", "said"),
    [
        ({"pivto": 0.1}, None, "did you mean 'pivot'?"),
        ({"pivot": 99.0}, None, r"outside its limits; valid: -\d+"),
        ({"pivot": math.nan}, None, "outside its limits"),
        ({"pivot": 0.1}, 99.0, "up to 9 rad/s"),
        ({"pivot": 0.1}, 0.0, "above 0"),
        ({"pivot": 0.1}, math.nan, "above 0"),
    ],
)
def test_what_is_outside_the_limits_is_refused_before_a_port_is_opened(targets, speed, said):
    with pytest.raises(UserError, match=said):
        refuse(load_robot("pendulum"), targets, speed)


def test_a_joint_that_is_outside_its_limits_is_not_moved():
    config = one_joint(load_robot("so101"))
    rig, mover = made(config, {"shoulder_pan": 0.0})
    rig.plant.position[0] = config.joints["shoulder_pan"].position_limits[1] + 0.3
    rig.emulated.sense()
    rig.wait(0.1)
    with pytest.raises(HardwareError, match="outside its limits"):
        mover.begin()
    assert not any(rig.torques())


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ({"kind": "overload", "joint": "shoulder_pan", "start": "900 ms"}, "reports overload"),
        ({"kind": "silent", "joint": "shoulder_pan", "start": "900 ms"}, "does not answer"),
        ({"kind": "overheat", "joint": "shoulder_pan", "start": "900 ms"}, "hotter|overheating"),
        ({"kind": "brown_out", "voltage": "9.5 V", "start": "900 ms"}, "voltage"),
    ],
)
def test_a_reading_outside_the_limits_ends_the_move(fault, said):
    _, mover = made(one_joint(load_robot("so101")), {"shoulder_pan": 1.2}, None, fault)
    mover.begin()
    with pytest.raises(HardwareError, match=said):
        mover.move(3.0)


def test_a_joint_that_does_not_arrive_is_not_ok():
    rig, mover = made(one_joint(load_robot("so101")), {"shoulder_pan": 0.25})
    mover.begin()
    rig.plant.jam(0, True)
    (found,) = mover.move(0.2)
    assert not found.ok
