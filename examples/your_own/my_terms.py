"""A reward and an end, for `modules: [./my_terms.py]` of a task."""

import numpy as np
from numpy.typing import NDArray

from sim2real.task import TaskConstants, TaskState, reward, termination


@reward()
def standing(state: TaskState, constants: TaskConstants, scale: float) -> NDArray[np.float64]:
    """1 where the arm stands, -1 where it hangs; (n,)."""
    return -np.cos(state.position[:, 0])


@termination()
def too_fast(state: TaskState, constants: TaskConstants, limit: float) -> NDArray[np.bool_]:
    """Where the arm turns faster than the limit, rad/s; (n,)."""
    return np.abs(state.velocity[:, 0]) > limit
