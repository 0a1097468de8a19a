"""Laws of the wiggle, on every family: a good joint passes with figures, a bad one is named, bounds are kept."""

import math

import numpy as np
import pytest

from sim2real.configs.load import load_robot
from sim2real.hardware.conformance.rig import Rig
from sim2real.hardware.errors import HardwareError
from sim2real.hardware.rehearsal.calibration import one_joint
from sim2real.hardware.workbench.wiggle import AMPLITUDE, SPEED, Wiggler

ROBOTS = ("pendulum", "quadruped", "so101", "hopper_leg")


def made(robot, *faults):
    rig = Rig(one_joint(load_robot(robot)), *faults)
    rig.hardware.open()
    return rig, Wiggler(rig.config, rig.hardware, rig.clock)


@pytest.mark.parametrize("robot", ROBOTS)
def test_a_good_joint_passes_within_its_bounds(robot):
    rig, wiggler = made(robot)
    start = float(rig.plant.position[0])
    wiggler.begin()
    found = wiggler.wiggle(rig.names[0])
    assert found.problems == ()
    assert 0.6 <= found.followed <= 1.3
    assert 0.0 < found.speed <= 2.0 * SPEED
    assert found.latency < 0.25
    moved = np.array(rig.plant.trace)[:, 0, 0] - start
    assert np.abs(moved).max() <= 1.3 * AMPLITUDE
    rig.settle()
    assert abs(rig.plant.position[0] - start) < math.radians(2.0)
    rig.hardware.close()
    assert not any(rig.torques())


@pytest.mark.parametrize("robot", ROBOTS)
def test_a_jammed_joint_fails_or_is_stopped(robot):
    rig, wiggler = made(robot)
    wiggler.begin()
    rig.plant.jam(0, True)
    found = wiggler.wiggle(rig.names[0])
    assert any("of the move" in problem for problem in found.problems)


def test_a_joint_at_the_end_of_its_range_is_wiggled_inside_of_it():
    rig, _ = made("so101")
    low, high = rig.joints[0].position_limits
    for end in (low, high):
        rig.plant.position[0] = end
        rig.emulated.sense()
        hardware = rig.driver()
        hardware.open()
        wiggler = Wiggler(rig.config, hardware, rig.clock)
        wiggler.begin()
        rig.plant.trace.clear()
        assert wiggler.wiggle(rig.names[0]).ok
        seen = np.array(rig.plant.trace)[:, 0, 0]
        assert low - 0.02 <= seen.min() <= seen.max() <= high + 0.02
        hardware.close()


def test_a_fault_ends_the_wiggle():
    _, wiggler = made("so101", {"kind": "overload", "joint": "shoulder_pan", "start": "500 ms"})
    wiggler.begin()
    with pytest.raises(HardwareError, match=r"shoulder_pan.* reports overload"):
        wiggler.wiggle("shoulder_pan")


def test_a_joint_that_something_pushes_away_is_stopped():
    rig, wiggler = made("so101")
    wiggler.begin()
    rig.emulated.hands.move("shoulder_pan", 1.5, 6.0)
    with pytest.raises(HardwareError, match=r"from its target|moved while held"):
        wiggler.wiggle("shoulder_pan")
