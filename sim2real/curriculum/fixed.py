"""Fixed randomisation: the same range in all episodes."""

from typing import Any

import numpy as np

from sim2real.configs.schema.curriculum import FixedCurriculumConfig
from sim2real.curriculum.axis import Axis
from sim2real.curriculum.entropy import width_entropy
from sim2real.curriculum.interface import NO_TAG, Tags
from sim2real.curriculum.parameter_space import ParameterSpace
from sim2real.curriculum.performance import RecentPerformance
from sim2real.curriculum.sample import sample
from sim2real.hardware.types import Float64Array


class FixedCurriculum:
    """Draws between calibrated + level · (end of the range − calibrated) on each side, clipped to the limits."""

    def __init__(self, config: FixedCurriculumConfig, space: ParameterSpace) -> None:
        self._space = space
        self._coordinates = np.array([_coordinates(axis, config.level) for axis in space.axes]).reshape(-1, 2)
        # Uniform parameters are drawn in one vectorised step, the others one by one.
        columns = space.dimension_of_column
        linear = np.array([axis.distribution == "uniform" for axis in space.axes], np.bool_)[columns]
        self._low = np.where(linear, self._coordinates[columns, 0], 0.0)
        self._width = np.where(linear, self._coordinates[columns, 1] - self._coordinates[columns, 0], 0.0)
        self._high = self._low + self._width
        self._others = [
            (axis, *self._coordinates[dimension], space.columns(dimension))
            for dimension, axis in enumerate(space.axes)
            if axis.distribution != "uniform"
        ]
        self._recent = RecentPerformance()

    @property
    def ordered(self) -> bool:
        """False: results are only logged."""
        return False

    @property
    def uniforms(self) -> int:
        """Random numbers per episode: C."""
        return len(self._space.dimension_of_column)

    def draw(self, uniform: Float64Array) -> tuple[Float64Array, Tags]:
        """Draw the values of k episodes, (k, C), SI."""
        values = np.minimum(self._low + uniform * self._width, self._high)
        for axis, low, high, columns in self._others:
            values[:, columns] = sample(axis, low, high, uniform[:, columns])
        return values, np.full(len(uniform), NO_TAG)

    def report(self, tags: Tags, values: Float64Array, performance: Float64Array) -> None:
        """Record finished episodes; used for the log only."""
        self._recent.add(performance)

    def bounds(self) -> Float64Array:
        """Return the lower and upper boundary of every parameter, (D, 2), SI."""
        return self._space.values(self._coordinates)

    def figures(self) -> dict[str, float]:
        """Return boundaries, entropy and performance for the log."""
        entropy = width_entropy(self._coordinates[:, 1] - self._coordinates[:, 0], self._space.span)
        return {"curriculum/entropy": entropy, **self._space.figures(self.bounds()), **self._recent.figures()}

    def state_dict(self) -> dict[str, Any]:
        """Return the state of the logged figures."""
        return {"names": list(self._space.names), "recent": self._recent.state()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what `state_dict` returned. Raises UserError if it has other parameters."""
        self._space.check_state(state["names"])
        self._recent.restore(state["recent"])


def _coordinates(axis: Axis, level: float) -> tuple[float, float]:
    lowest, highest = axis.limits
    low, high = (axis.start + level * (end - axis.start) for end in axis.range)
    return max(low, lowest), min(high, highest)
