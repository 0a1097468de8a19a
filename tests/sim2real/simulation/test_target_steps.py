"""Laws of position targets in simulation: steps per tick are those on the robot, and pass safety unchanged."""

import numpy as np
import pytest

from sim2real.configs.load import load_randomization, load_task
from sim2real.configs.schema.parameter import ParameterConfig
from sim2real.hardware.types import JointCommand, JointState
from sim2real.runtime.contract.action import ActionPipeline
from sim2real.runtime.contract.spec import contract_of
from sim2real.runtime.envelope.settings import safety_settings
from sim2real.runtime.limits import CommandLimits
from sim2real.simulation.simulation import Simulation


@pytest.mark.parametrize("name", ["quadruped_walk", "hopper_hop", "so101_reach"])
def test_targets_are_those_of_the_contract_and_pass_safety_unchanged(name: str) -> None:
    task = load_task(name, ("reset.position=[0 deg, 0 deg]", "reset.start_pose_share=0"))
    simulation = Simulation(task, load_randomization("none"), 1)
    simulation.begin(np.array([0]))
    contract = contract_of(task)
    joints = len(contract.robot.joints)
    rng = np.random.default_rng(0)
    sent = simulation.batch.bind("ctrl")
    limits = CommandLimits(contract.robot, safety_settings(task.robot), 1.0 / contract.control_rate)
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


def test_observed_targets_are_relative_to_encoder_positions() -> None:
    """An episode starts with targets at the encoder readings, which include their offsets."""
    task = load_task("so101_reach", ("observation=[{term: joint_position_error}]", "reset.position=[-5 deg, 5 deg]"))
    offset = {"parameter": "joint_offset", "range": ["2 deg", "2 deg"]}
    randomization = load_randomization("none").model_copy(
        update={"parameters": (ParameterConfig.model_validate(offset),)}
    )
    simulation = Simulation(task, randomization, 3)
    simulation.begin(np.arange(3))
    np.testing.assert_allclose(simulation.transition.observation, 0.0, atol=1e-6)
    action = np.full((3, 6), 0.5, np.float32)
    simulation.step(action)
    expected = simulation.state_dict()["actuation"]["pipeline"]["target"] - simulation.signals.joint_position
    np.testing.assert_array_equal(simulation.transition.observation, expected.astype(np.float32))
    assert (np.abs(expected) > 1e-3).all()
