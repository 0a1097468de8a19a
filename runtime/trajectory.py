"""Measured joint positions of a run: kept for the verdict and for plots, in bounded memory."""

import numpy as np

from hardware.clock import NS_PER_S
from hardware.types import Float64Array, Int64Array
from runtime.contract.goal import goal_error
from runtime.contract.spec import GoalSpec

_TICKS_MAX = 360_000  # an hour at 100 Hz; of a longer run the last half hour at least is kept


class Trajectory:
    """Time, position and state of every tick since torque was switched on.

    Args:
        joints: Names, in the order of every joint array.
        ticks: Expected number of ticks, for the memory set aside; any number when None.
    """

    def __init__(self, joints: tuple[str, ...], ticks: int | None) -> None:
        capacity = min(_TICKS_MAX, ticks if ticks is not None else _TICKS_MAX)
        self.joints = joints
        self._time_ns = np.zeros(capacity, np.int64)
        self._position = np.zeros((capacity, len(joints)))
        self._state = np.zeros(capacity, np.int64)
        self._count = 0

    def append(self, time_ns: int, position: Float64Array, state: int) -> None:
        """Add one tick; when the memory is full, the older half is dropped."""
        if self._count == len(self._time_ns):
            self._drop_older_half()
        index = self._count
        self._time_ns[index] = time_ns
        self._position[index] = position
        self._state[index] = state
        self._count = index + 1

    @property
    def time_ns(self) -> Int64Array:
        """Time of each tick, (N,)."""
        return self._time_ns[: self._count]

    @property
    def position(self) -> Float64Array:
        """Measured positions, (N, J), rad; while a joint does not answer, its last one."""
        return self._position[: self._count]

    @property
    def state(self) -> Int64Array:
        """State in each tick, (N,), values of `State`."""
        return self._state[: self._count]

    def _drop_older_half(self) -> None:
        half = self._count // 2
        kept = self._count - half
        for values in (self._time_ns, self._position, self._state):
            values[:kept] = values[half : self._count].copy()
        self._count = kept


def goal_reached(trajectory: Trajectory, goal: GoalSpec, since_ns: int, period_ns: int) -> bool | None:
    """Tell whether the goal was held to the end of the run.

    Args:
        trajectory: Measured positions.
        goal: Joint, position, tolerance, and how long it must be held.
        since_ns: When the policy first ran.
        period_ns: Control period.

    Returns:
        True when every measured position of the last `hold` seconds is within tolerance; None when the policy ran for
        less.
    """
    time_ns = trajectory.time_ns
    hold_ns = round(goal.hold * NS_PER_S)
    if len(time_ns) == 0 or int(time_ns[-1]) + period_ns - since_ns < hold_ns:
        return None
    last = time_ns > int(time_ns[-1]) + period_ns - hold_ns
    error = goal_error(trajectory.position[last, trajectory.joints.index(goal.joint)], goal.position, goal.wrap)
    return bool((np.abs(error) <= goal.tolerance).all())
