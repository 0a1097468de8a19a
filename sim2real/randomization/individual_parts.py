"""What elements differ by from a value that they share."""

from collections.abc import Sequence

import numpy as np

from sim2real.curriculum.parameter_space import ParameterSpace
from sim2real.hardware.types import Float64Array


class IndividualParts:
    """Draws and keeps the `each` of shared parameters: X columns beyond the C of a space, which no curriculum moves.

    Args:
        n: Simulations.
        space: The parameters.
        widths: Columns that each parameter would have if nothing were shared, (D,).
    """

    def __init__(self, n: int, space: ParameterSpace, widths: Sequence[int]) -> None:
        self.columns: dict[int, slice] = {}
        """Columns of each parameter with such a part, by its number in the space, among all C + X."""
        end, low, high, neutral = len(space.dimension_of_column), [], [], []
        for index, (entry, width) in enumerate(zip(space.entries, widths, strict=True)):
            if entry.each is not None:
                self.columns[index] = slice(end, end + width)
                end += width
                low += [entry.individual[0]] * width
                high += [entry.individual[1]] * width
                neutral += [1.0 if entry.application == "scale" else 0.0] * width
        self.names = tuple(f"{space.names[index]}/each" for index in self.columns)
        """Unique, beside those of the space."""
        self._first = len(space.dimension_of_column)
        self._low, self._span, self._neutral = np.array(low), np.array(high) - np.array(low), np.array(neutral)
        self.values: Float64Array = np.tile(self._neutral, (n, 1))
        """What was drawn for the running episodes, (n, X), SI."""

    def uniforms(self, *, randomised: bool) -> int:
        """Return the random numbers that an episode takes; none where nothing is randomised."""
        return len(self._low) if randomised else 0

    def draw(self, uniform: Float64Array) -> Float64Array:
        """Return values of k episodes, (k, X), from so many random numbers, (k, X); neutral ones from none, (k, 0)."""
        if not uniform.shape[1]:
            return np.tile(self._neutral, (len(uniform), 1))
        drawn: Float64Array = self._low + self._span * uniform
        return drawn

    def record(self, index: int) -> dict[str, list[float]]:
        """Return what was drawn for one running episode, by name."""
        own = self.values[index]
        return {
            name: own[columns.start - self._first : columns.stop - self._first].tolist()
            for name, columns in zip(self.names, self.columns.values(), strict=True)
        }
