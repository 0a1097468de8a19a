"""Joint positions of a run and distance from its goal: kept for the verdict and for plots, in bounded memory."""

import numpy as np

from sim2real.hardware.types import Float64Array, Int64Array

_TICKS_MAX = 360_000  # an hour at 100 Hz; of a longer run at least the last half hour is kept


class Trajectory:
    """Time, position, distance from the goal and state of every tick since torque was switched on.

    Args:
        joints: Names, in the order of every joint array.
        ticks: Expected number of ticks, for the memory set aside; any number when None.
    """

    def __init__(self, joints: tuple[str, ...], ticks: int | None) -> None:
        capacity = min(_TICKS_MAX, ticks if ticks is not None else _TICKS_MAX)
        self.joints = joints
        self._time_ns = np.zeros(capacity, np.int64)
        self._position = np.zeros((capacity, len(joints)))
        self._distance = np.zeros(capacity)
        self._state = np.zeros(capacity, np.int64)
        self._count = 0

    def append(self, time_ns: int, position: Float64Array, distance: float, state: int) -> None:
        """Add one tick; when the memory is full, the older half is dropped."""
        if self._count == len(self._time_ns):
            self._drop_older_half()
        index = self._count
        self._time_ns[index] = time_ns
        self._position[index] = position
        self._distance[index] = distance
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
    def distance(self) -> Float64Array:
        """Distance from the goal, (N,), rad or m; NaN where it was not measured."""
        return self._distance[: self._count]

    @property
    def state(self) -> Int64Array:
        """State in each tick, (N,), values of `State`."""
        return self._state[: self._count]

    def _drop_older_half(self) -> None:
        half = self._count // 2
        kept = self._count - half
        for values in (self._time_ns, self._position, self._distance, self._state):
            values[:kept] = values[half : self._count].copy()
        self._count = kept
