"""What touches the emulated robot is read as the plant has it."""

import mujoco
import numpy as np
import pytest

from sim2real.configs.load import load_task
from sim2real.plant import MujocoPlant
from sim2real.training.transfer.emulated import PlantTruth


def test_contact_forces_are_those_of_the_plant() -> None:
    task = load_task("quadruped_stand", ("costs={press: {term: contact_force, budget: 20}}",))
    joints = list(task.robot.joints.values())
    stiffness, damping, default = (
        np.array([getattr(joint, name) for joint in joints]) for name in ("stiffness", "damping", "default_position")
    )
    plant = MujocoPlant(task.robot)
    truth = PlantTruth(plant, task)
    truth.read(np.zeros((1, 1)), first=True)
    assert truth.state.contact_force.max() == 0.0  # it hangs above the ground yet
    for _ in range(1500):
        plant.step(stiffness * (default - plant.position) - damping * plant.velocity)
    truth.read(np.zeros((1, 1)), first=False)
    forces, force = [], np.zeros(6)
    for index in range(plant.data.ncon):
        mujoco.mj_contactForce(plant.model, plant.data, index, force)
        forces.append(np.linalg.norm(force[:3]))
    assert len(forces) == 4
    found = truth.state.contact_force[0]
    assert sorted(found[found > 0.0]) == pytest.approx(sorted(forces), rel=1e-3)
