"""No curriculum: calibrated values in every episode."""

from typing import Any

import numpy as np

from sim2real.curriculum.entropy import width_entropy
from sim2real.curriculum.interface import NO_TAG, Tags
from sim2real.curriculum.parameter_space import ParameterSpace
from sim2real.curriculum.performance import RecentPerformance
from sim2real.hardware.types import Float64Array


class NoCurriculum:
    """Draws the calibrated values for every episode."""

    def __init__(self, space: ParameterSpace) -> None:
        self._space = space
        self._recent = RecentPerformance()

    @property
    def ordered(self) -> bool:
        """False: results are only logged."""
        return False

    @property
    def uniforms(self) -> int:
        """Random numbers per episode: none."""
        return 0

    def draw(self, uniform: Float64Array) -> tuple[Float64Array, Tags]:
        """Return the calibrated values for k episodes; `uniform` is (k, 0)."""
        values = self._space.calibrated[self._space.dimension_of_column]
        return np.tile(values, (len(uniform), 1)), np.full(len(uniform), NO_TAG)

    def report(self, tags: Tags, values: Float64Array, performance: Float64Array) -> None:
        """Record finished episodes; used for the log only."""
        self._recent.add(performance)

    def bounds(self) -> Float64Array:
        """Return the calibrated value twice for every parameter, (D, 2), SI."""
        return np.stack((self._space.calibrated,) * 2, axis=-1)

    def figures(self) -> dict[str, float]:
        """Return boundaries, entropy and performance for the log."""
        entropy = width_entropy(np.zeros(len(self._space.names)), self._space.span)
        return {"curriculum/entropy": entropy, **self._space.figures(self.bounds()), **self._recent.figures()}

    def state_dict(self) -> dict[str, Any]:
        """Return the state of the logged figures."""
        return {"names": list(self._space.names), "recent": self._recent.state()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what `state_dict` returned. Raises UserError if it has other parameters."""
        self._space.check_state(state["names"])
        self._recent.restore(state["recent"])
