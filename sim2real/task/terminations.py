"""The shipped terminations: pure functions of the batched state, chosen by the task YAML."""

import numpy as np

from sim2real.hardware.types import BoolArray
from sim2real.task.declaration import termination
from sim2real.task.state import TaskConstants, TaskState


@termination()
def position_limits(state: TaskState, constants: TaskConstants, limit: float) -> BoolArray:
    """Whether any joint is outside its position limits by more than `limit`, rad; NaN is outside."""
    inside = (state.position >= constants.position_min - limit) & (state.position <= constants.position_max + limit)
    outside: BoolArray = np.logical_not(inside.all(axis=1))
    return outside


@termination(needs=("base",))
def tilted(state: TaskState, _constants: TaskConstants, limit: float) -> BoolArray:
    """Whether the base is tilted by more than `limit`, rad."""
    over: BoolArray = np.logical_not(state.base.down[:, 2] <= -np.cos(limit))
    return over


@termination(needs=("base",))
def low(state: TaskState, _constants: TaskConstants, limit: float) -> BoolArray:
    """Whether the base is lower above the ground than `limit`, m."""
    under: BoolArray = np.logical_not(state.base.height >= limit)
    return under
