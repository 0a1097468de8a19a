"""Reward and termination terms: pure functions of the batched state, chosen and weighted by the task YAML."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from configs.schema.task import TaskConfig
from hardware.types import BoolArray, Float64Array

Float32Array = npt.NDArray[np.float32]


@dataclass(slots=True)
class TaskState:
    """What reward and termination terms see of n simulations: the true state, no latency and no noise."""

    position: Float64Array
    """Joint positions, (n, J), rad."""
    velocity: Float64Array
    """Joint velocities, (n, J), rad/s."""
    effort: Float64Array
    """Commanded joint efforts, (n, J), N·m."""
    action: Float32Array
    """Clipped, filtered action of this step, (n, A)."""
    previous_action: Float32Array
    """The same of the step before, (n, A)."""
    goal_error: Float64Array
    """Goal joint's distance from the goal position, (n,), rad; in [-π, π] when full turns count as the same."""


@dataclass(frozen=True)
class TaskConstants:
    """What terms need to know of the task."""

    effort_max: Float64Array
    """(J,), N·m."""
    position_min: Float64Array
    """(J,), rad."""
    position_max: Float64Array
    """(J,), rad."""

    @classmethod
    def of(cls, task: TaskConfig) -> "TaskConstants":
        """Collect the constants of a task."""
        joints = list(task.robot.joints.values())
        return cls(
            effort_max=np.array([joint.effort_limit for joint in joints]),
            position_min=np.array([joint.position_limits[0] for joint in joints]),
            position_max=np.array([joint.position_limits[1] for joint in joints]),
        )


# A reward term returns (n,) values for the weight 1; `scale` is the term's width from the YAML.
RewardTerm = Callable[[TaskState, TaskConstants, float], Float64Array]
TerminationTerm = Callable[[TaskState, TaskConstants], BoolArray]

# How far ahead a moving joint is looked at when it is asked to be still: velocity times this counts as distance.
_STILL_HORIZON = 0.1


def alive(state: TaskState, _constants: TaskConstants, _scale: float) -> Float64Array:
    """One, as long as the episode lasts."""
    return np.ones(len(state.position))


def goal_cosine(state: TaskState, _constants: TaskConstants, _scale: float) -> Float64Array:
    """Cosine of the distance from the goal: 1 at the goal, -1 half a turn away. Scale is not used."""
    cosine: Float64Array = np.cos(state.goal_error)
    return cosine


def goal_still(state: TaskState, _constants: TaskConstants, scale: float) -> Float64Array:
    """exp(-(error² + (0.1 s · speed)²) / scale²): 1 at rest at the goal; speed is that of all joints; scale in rad."""
    distance = np.square(state.goal_error) + _STILL_HORIZON**2 * _sum_of_squares(state.velocity)
    still: Float64Array = np.exp(distance / -(scale**2))
    return still


def joint_velocity(state: TaskState, _constants: TaskConstants, scale: float) -> Float64Array:
    """Sum of (velocity / scale)² over the joints; scale in rad/s."""
    return _sum_of_squares(state.velocity) / scale**2


def effort(state: TaskState, constants: TaskConstants, scale: float) -> Float64Array:
    """Sum of (commanded effort / effort limit / scale)² over the joints."""
    return _sum_of_squares(state.effort / constants.effort_max) / scale**2


def action_rate(state: TaskState, _constants: TaskConstants, scale: float) -> Float64Array:
    """Sum of (change of action / scale)² over the joints."""
    return _sum_of_squares(np.subtract(state.action, state.previous_action, dtype=np.float64)) / scale**2


def position_excess(state: TaskState, _constants: TaskConstants, scale: float) -> Float64Array:
    """Sum over the joints of how far they are beyond ±scale, rad."""
    beyond: Float64Array = np.maximum(np.abs(state.position) - scale, 0.0).sum(axis=1)
    return beyond


def position_limits(state: TaskState, constants: TaskConstants) -> BoolArray:
    """Whether any joint is outside its position limits; a position that is not a number is outside."""
    inside = (state.position >= constants.position_min) & (state.position <= constants.position_max)
    outside: BoolArray = np.logical_not(inside.all(axis=1))
    return outside


def _sum_of_squares(values: Float64Array) -> Float64Array:
    """Sum of squares of every row, (n, J) to (n,)."""
    sums: Float64Array = np.einsum("ij,ij->i", values, values)
    return sums


REWARDS: dict[str, RewardTerm] = {
    term.__name__: term
    for term in (alive, goal_cosine, goal_still, joint_velocity, effort, action_rate, position_excess)
}
TERMINATIONS: dict[str, TerminationTerm] = {term.__name__: term for term in (position_limits,)}
