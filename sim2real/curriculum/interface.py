"""Interface of curricula: they draw the parameters of new episodes and adapt to the performance of finished ones."""

from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from sim2real.hardware.types import Float64Array

Tags = npt.NDArray[np.int64]

NO_TAG = -1
"""Tag of an episode that does not evaluate a boundary."""


class Curriculum(Protocol):
    """A strategy over D parameters, whose values are C numbers per episode."""

    @property
    def uniforms(self) -> int:
        """Random numbers per episode."""

    @property
    def ordered(self) -> bool:
        """Whether results of one tag must be reported in the order in which their episodes began.

        Needed by a strategy that restarts its count when it changes: short episodes, the failures, end first.
        """

    def draw(self, uniform: Float64Array) -> tuple[Float64Array, Tags]:
        """Draw the values of k new episodes.

        Args:
            uniform: (k, uniforms), in [0, 1).

        Returns:
            Values, (k, C), SI, and a tag per episode, (k,), for `report`.
        """

    def report(self, tags: Tags, values: Float64Array, performance: Float64Array) -> None:
        """Update the strategy from k finished episodes.

        Args:
            tags: (k,), as drawn.
            values: (k, C), as drawn.
            performance: (k,), in [0, 1].

        Raises:
            ValueError: A performance is not in [0, 1].
        """

    def bounds(self) -> Float64Array:
        """Return the current lower and upper boundary of every parameter, (D, 2), SI."""

    def figures(self) -> dict[str, float]:
        """Return figures for the log: boundaries by name, entropy, counts."""

    def state_dict(self) -> dict[str, Any]:
        """Return the state needed to resume bit for bit: numpy arrays and plain data."""

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what `state_dict` returned. Raises UserError if it has other parameters."""
