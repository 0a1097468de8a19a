"""What a curriculum is: it draws the parameters of new episodes and learns from how the episodes went."""

from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from sim2real.hardware.types import Float64Array

Tags = npt.NDArray[np.int64]

NO_TAG = -1
"""Tag of an episode whose performance tells nothing about a boundary."""


class Curriculum(Protocol):
    """One strategy over a parameter space of D parameters whose values are C numbers an episode."""

    @property
    def uniforms(self) -> int:
        """How many random numbers an episode takes."""

    @property
    def ordered(self) -> bool:
        """Whether results of one tag must be reported in the order in which their episodes began.

        A strategy that begins to count when it changes needs that: short episodes, the failures, end first.
        """

    def draw(self, uniform: Float64Array) -> tuple[Float64Array, Tags]:
        """Draw the values of k new episodes.

        Args:
            uniform: (k, uniforms), in [0, 1).

        Returns:
            Values, (k, C), SI, and a tag for each episode, (k,), to be given back by `report`.
        """

    def report(self, tags: Tags, values: Float64Array, performance: Float64Array) -> None:
        """Take in k finished episodes.

        Args:
            tags: (k,), as drawn.
            values: (k, C), as drawn.
            performance: (k,), in [0, 1].

        Raises:
            ValueError: A performance is not in [0, 1].
        """

    def bounds(self) -> Float64Array:
        """Return the present lower and upper boundary of every parameter, (D, 2), SI."""

    def figures(self) -> dict[str, float]:
        """Return what a log should show: boundaries by name, entropy, counts."""

    def state_dict(self) -> dict[str, Any]:
        """Return all that decides what follows, as numpy arrays and plain data."""

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from a state. Raises UserError if it is of other parameters."""
