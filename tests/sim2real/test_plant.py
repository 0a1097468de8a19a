"""Laws of the emulator's MuJoCo plant."""

import numpy as np
import pytest

pytest.importorskip("mujoco")

from sim2real.benchmark.fault_world import FaultWorld
from sim2real.configs.errors import UserError
from sim2real.configs.library import shipped
from sim2real.configs.load import load_robot
from sim2real.plant import MujocoPlant


@pytest.mark.parametrize("robot", shipped("robots"))
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
