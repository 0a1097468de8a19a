"""Joint positions of a run and distance from its goal: kept for the verdict and for plots, in fixed memory."""

import numpy as np
import numpy.typing as npt

from sim2real.hardware.types import Float64Array, Int64Array, ScalarT

_TICKS_MAX = 360_000  # an hour at 100 Hz, of a run with a duration
_TICKS_OPEN = 65_536  # 11 minutes at 100 Hz, of a run without one; a goal asks for the last few seconds


class Trajectory:
    """Time, position, distance from the goal and state of the latest ticks since torque was switched on.

    A ring: the memory is set aside, and touched, when it is made. A run neither grows nor stalls for it.

    Args:
        joints: Names, in the order of every joint array.
        ticks: Expected number of ticks, for the memory set aside; any number when None.
        least: Ticks that are kept in any case: those that the verdict on the goal looks at.
    """

    def __init__(self, joints: tuple[str, ...], ticks: int | None, least: int = 1) -> None:
        self.capacity = max(1, least, min(_TICKS_MAX, _TICKS_OPEN if ticks is None else ticks))
        """Ticks that are kept at most."""
        self.joints = joints
        # Filled, as zeros would be mapped page by page while the run writes them.
        self._time_ns = np.full(self.capacity, -1, np.int64)
        self._position = np.full((self.capacity, len(joints)), np.nan)
        self._distance = np.full(self.capacity, np.nan)
        self._state = np.full(self.capacity, -1, np.int64)
        self._count = 0

    def append(self, time_ns: int, position: Float64Array, distance: float, state: int) -> None:
        """Add one tick; when the memory is full, in the place of the oldest."""
        index = self._count % self.capacity
        self._time_ns[index] = time_ns
        self._position[index] = position
        self._distance[index] = distance
        self._state[index] = state
        self._count += 1

    @property
    def time_ns(self) -> Int64Array:
        """Time of each tick, (N,)."""
        return self._in_order(self._time_ns)

    @property
    def position(self) -> Float64Array:
        """Measured positions, (N, J), rad; while a joint does not answer, its last one."""
        return self._in_order(self._position)

    @property
    def distance(self) -> Float64Array:
        """Distance from the goal, (N,), rad or m; NaN where it was not measured."""
        return self._in_order(self._distance)

    @property
    def state(self) -> Int64Array:
        """State in each tick, (N,), values of `State`."""
        return self._in_order(self._state)

    def _in_order(self, values: npt.NDArray[ScalarT]) -> npt.NDArray[ScalarT]:
        """Return the kept ticks from the oldest to the newest."""
        if self._count <= self.capacity:
            return values[: self._count]
        oldest = self._count % self.capacity
        return np.concatenate((values[oldest:], values[:oldest]))
