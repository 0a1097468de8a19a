"""The parameters that are randomised, as one space: D parameters, C drawn numbers."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from configs.schema.parameter import ParameterConfig
from hardware.types import Float64Array


@dataclass(frozen=True)
class ParameterSpace:
    """D parameters; each is drawn for a number of columns (one for each element), C in all."""

    names: tuple[str, ...]
    """(D,); unique."""
    entries: tuple[ParameterConfig, ...]
    """(D,)"""
    dimension_of_column: npt.NDArray[np.intp]
    """(C,); which parameter a column belongs to."""

    @classmethod
    def of(cls, entries: Sequence[ParameterConfig], widths: Sequence[int]) -> "ParameterSpace":
        """Make the space of some parameters that are drawn `widths` times each."""
        names: list[str] = []
        for entry in entries:
            name = entry.parameter if entry.elements is None else f"{entry.parameter}/{'+'.join(entry.elements)}"
            names.append(name)
        return cls(tuple(names), tuple(entries), np.repeat(np.arange(len(entries)), widths))

    @property
    def calibrated(self) -> Float64Array:
        """(D,), SI."""
        return np.array([entry.calibration for entry in self.entries])

    @property
    def range(self) -> Float64Array:
        """(D, 2), SI."""
        return np.array([entry.bounds for entry in self.entries]).reshape(-1, 2)

    @property
    def limits(self) -> Float64Array:
        """(D, 2), SI."""
        return np.array([entry.hard_limits for entry in self.entries]).reshape(-1, 2)

    @property
    def step(self) -> Float64Array:
        """(D,), SI."""
        return np.array([entry.step_size for entry in self.entries])

    def columns(self, dimension: int) -> slice:
        """Return the columns of one parameter."""
        start, stop = np.searchsorted(self.dimension_of_column, [dimension, dimension + 1])
        return slice(int(start), int(stop))
