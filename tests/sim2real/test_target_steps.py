"""Laws of position targets in simulation: they go as far in a tick as on the robot; safety cuts nothing off."""

import numpy as np
import pytest

from configs.load import load_randomization, load_task
from hardware.types import JointCommand, JointState
from runtime.contract.action import ActionPipeline
from runtime.contract.spec import contract_of
from runtime.limits import CommandLimits
from sim2real.simulation import Simulation


@pytest.mark.parametrize("name", ["quadruped_walk", "hopper_hop", "so101_reach"])
def test_targets_are_those_of_the_contract_and_safety_lets_all_of_them_through(name: str) -> None:
    task = load_task(name, ("reset.position=[0 deg, 0 deg]",))
    simulation = Simulation(task, load_randomization("none"), 1)
    simulation.begin(np.array([0]))
    contract = contract_of(task)
    joints = len(contract.robot.joints)
    rng = np.random.default_rng(0)
    sent = simulation.batch.bind("ctrl")
    limits = CommandLimits(contract.robot, 1.0 / contract.control_rate)
    state, command = JointState.empty(joints), JointCommand.zeros(joints)
    state.position[:] = [joint.default_position for joint in contract.robot.joints]
    state.velocity[:] = 0.0
    limits.begin(state)
    pipeline = ActionPipeline(contract, 1)
    last, farthest = state.position.copy(), np.zeros(joints)
    for _ in range(30):
        action = rng.uniform(-1.0, 1.0, (1, joints)).astype(np.float32)
        simulation.step(action)
        command.position[:] = pipeline.apply(action).position[0]
        np.testing.assert_array_equal(sent[0], command.position)
        assert not limits.limit(command, state).any()
        farthest = np.maximum(farthest, np.abs(command.position - last))
        last = command.position.copy()
    step = np.array(contract.action.step)
    assert (farthest <= step + 1e-12).all()
    assert contract.action.relative or (farthest > 0.99 * step).all()
