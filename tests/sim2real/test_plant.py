"""Laws of the emulator's MuJoCo plant."""

import numpy as np
import pytest

pytest.importorskip("mujoco")

from sim2real.benchmark.fault_world import FaultWorld
from sim2real.configs.errors import UserError
from sim2real.configs.library import shipped_with_model
from sim2real.configs.load import load_robot
from sim2real.plant import MujocoPlant


@pytest.mark.parametrize("robot", shipped_with_model())
def test_a_state_that_is_none_is_an_error_and_no_fresh_start(robot):
    plant = MujocoPlant(load_robot(robot))
    for _ in range(50):
        plant.step(np.zeros(len(plant.position)))
    assert not plant.diverged
    with pytest.raises(UserError, match=r"the simulated mechanics diverged 0\.050 s after the start"):
        plant.step(np.full(len(plant.position), np.nan))
    assert plant.diverged


def test_the_campaign_has_the_plant_that_its_robot_moves_in():
    world = FaultWorld(load_robot("pendulum"), "mujoco")
    assert isinstance(world.plant, MujocoPlant)


@pytest.mark.parametrize("robot", shipped_with_model())
def test_a_jammed_joint_stays_whatever_the_robot_does(robot):
    """Each joint in turn, jammed while the robot falls to the ground, and the others thrown about."""
    config = load_robot(robot)
    for joint, each in enumerate(config.joints.values()):
        plant, random = MujocoPlant(config), np.random.default_rng(joint)
        effort = np.zeros(len(config.joints))
        for _ in range(288):
            plant.step(effort)
        plant.jam(joint, True)
        for _ in range(50):  # it stops first
            plant.step(effort)
        before = plant.position[joint]
        for tick in range(500):
            if tick % 50 == 0:
                effort = random.uniform(-1.0, 1.0, len(config.joints)) * each.effort_limit
            plant.step(effort - 0.05 * plant.velocity)
        assert abs(plant.position[joint] - before) < 0.06  # half of a second of creep, and as much again
