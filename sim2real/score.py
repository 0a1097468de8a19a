"""The task's reward of a recorded run: the same terms that train the policy, on what the robot measured."""

import numpy as np

from configs.schema.task import TaskConfig
from hardware.types import Float64Array
from runtime.contract.goal import goal_error
from sim2real.terms import REWARDS, Float32Array, TaskConstants, TaskState


def score(
    task: TaskConfig, position: Float64Array, velocity: Float64Array, effort: Float64Array, action: Float32Array
) -> dict[str, float]:
    """Return the reward of a run, in total and by term.

    Args:
        task: Gives the terms and their weights.
        position: Measured joint positions of T control steps, (T, J), rad.
        velocity: Measured joint velocities, (T, J), rad/s.
        effort: Commanded joint efforts, (T, J), N·m.
        action: Clipped, filtered actions, (T, A).

    Returns:
        `return`, and `reward/TERM` for every term, summed over the steps as in simulation.
    """
    constants = TaskConstants.of(task)
    previous = np.vstack([np.zeros_like(action[:1]), action[:-1]])
    goal_position = position[:, list(task.robot.joints).index(task.goal.joint)]
    error = goal_error(goal_position, task.goal.position, task.goal.wrap)
    state = TaskState(position, velocity, effort, action, previous, error)
    terms = {
        f"reward/{entry.term}": float(REWARDS[entry.term](state, constants, entry.scale).sum())
        * entry.weight
        / task.control_rate
        for entry in task.rewards
    }
    return {"return": sum(terms.values())} | terms
