"""Laws of position targets in simulation: they go no faster than the runtime's safety lets them on the robot."""

import numpy as np
import pytest

from configs.load import load_randomization, load_task
from hardware.types import JointCommand, JointState
from runtime.contract.spec import contract_of
from runtime.limits import CommandLimits
from sim2real.simulation import Simulation


@pytest.mark.parametrize("name", ["quadruped_walk", "hopper_hop", "so101_reach"])
def test_targets_are_those_that_safety_lets_through(name: str) -> None:
    task = load_task(name, ("reset.position=[0 deg, 0 deg]",))
    simulation = Simulation(task, load_randomization("none"), 1)
    simulation.begin(np.array([0]))
    contract = contract_of(task)
    joints = len(contract.robot.joints)
    rng = np.random.default_rng(0)
    sent = simulation.batch.bind("ctrl")
    start = np.array([joint.default_position for joint in contract.robot.joints])
    limits = CommandLimits(contract.robot, 1.0 / contract.control_rate)
    state, command = JointState.empty(joints), JointCommand.zeros(joints)
    state.position[:], state.velocity[:] = start, 0.0
    limits.begin(state)
    pipeline = simulation._actuation.pipeline
    limited = 0
    for _ in range(30):
        simulation.step(rng.uniform(-1.0, 1.0, (1, joints)).astype(np.float32))
        command.position[:] = pipeline._targets.position[0]
        limited += int(limits.limit(command, state).any())
        np.testing.assert_allclose(sent[0], command.position, atol=1e-12)
    assert limited or contract.action.relative
