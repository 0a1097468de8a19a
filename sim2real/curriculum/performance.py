"""Mean performance of the latest episodes, for the log."""

import numpy as np

from sim2real.hardware.types import Float64Array

_LATEST = 256
"""Episodes in the mean: enough for a standard error of 3 % of a success rate, few enough to follow learning."""


class RecentPerformance:
    """Mean performance of the latest episodes."""

    def __init__(self) -> None:
        self._results = np.empty(0)

    def add(self, performance: Float64Array) -> None:
        """Add finished episodes, (k,), oldest first.

        Raises:
            ValueError: A performance is not in [0, 1].
        """
        if not np.all((performance >= 0.0) & (performance <= 1.0)):
            raise ValueError(f"performance must be in [0, 1], not {performance.min()} to {performance.max()}")
        self._results = np.concatenate((self._results, performance))[-_LATEST:]

    def figures(self) -> dict[str, float]:
        """Return the mean; empty before the first episode."""
        return {"curriculum/performance": float(self._results.mean())} if len(self._results) else {}

    def state(self) -> Float64Array:
        """Return the stored performances."""
        return self._results.copy()

    def restore(self, state: Float64Array) -> None:
        """Restore what `state` returned."""
        self._results = np.array(state, dtype=np.float64)
