"""What a metric is: figures of an episode other than its reward, in SI units."""

from typing import Any, Protocol

import numpy as np

from sim2real.hardware.types import BoolArray, Float64Array, Indices
from sim2real.task.state import TaskState


class Metric(Protocol):
    """Measures the running episodes of n environments."""

    names: tuple[str, ...]
    """Names of its figures."""

    def add(self, state: TaskState, command_changed: BoolArray | None) -> None:
        """Add one control step; `command_changed` is True where the command changes after it, (n,)."""

    def begin(self, ids: Indices) -> None:
        """Clear the measurements of some episodes."""

    def finish(self, ids: Indices) -> dict[str, Float64Array]:
        """Return the figures of k ended episodes, (k,) each, NaN where nothing was measured."""

    def state_dict(self) -> dict[str, Any]:
        """Return what the next step depends on."""

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from a state."""


class MetricSums:
    """Base of most metrics: arrays with a row for each environment, zero when an episode begins.

    The mean is `total` / `count`.

    Args:
        n: Number of environments.
        arrays: Named arrays, (n, …), `total` among them; `count`, (n,), is added.
    """

    def __init__(self, n: int, **arrays: Float64Array) -> None:
        self.arrays: dict[str, Float64Array] = arrays | {"count": np.zeros(n)}

    def begin(self, ids: Indices) -> None:
        """Clear the measurements of some episodes."""
        for array in self.arrays.values():
            array[ids] = 0.0

    def mean(self, ids: Indices) -> Float64Array:
        """Return the mean of k episodes, as wide as `total`, NaN where nothing was counted."""
        total, count = self.arrays["total"][ids], self.arrays["count"][ids]
        counted = np.where(count > 0.0, count, np.nan)
        with np.errstate(invalid="ignore"):
            mean: Float64Array = total / counted.reshape(-1, *[1] * (total.ndim - 1))
        return mean

    def state_dict(self) -> dict[str, Any]:
        """Return what the next step depends on."""
        return {name: array.copy() for name, array in self.arrays.items()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from a state."""
        for name, array in self.arrays.items():
            array[...] = state[name]
