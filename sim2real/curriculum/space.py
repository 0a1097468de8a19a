"""The parameters that are randomised, as one space: D parameters, C drawn numbers."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from sim2real.configs.errors import UserError
from sim2real.configs.schema.parameter import ParameterConfig
from sim2real.curriculum.axis import Axis
from sim2real.hardware.types import Float64Array


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
        columns = np.repeat(np.arange(len(entries)), np.array(widths, dtype=np.intp))
        return cls(tuple(map(entry_name, entries)), tuple(entries), columns)

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

    @cached_property
    def axes(self) -> tuple[Axis, ...]:
        """(D,); where a curriculum moves each parameter."""
        return tuple(Axis.of(entry) for entry in self.entries)

    @property
    def room(self) -> Float64Array:
        """(D,); distance of the limits on the axes."""
        return np.array([axis.room for axis in self.axes])

    @property
    def widths(self) -> npt.NDArray[np.intp]:
        """(D,); how many columns each parameter has."""
        return np.bincount(self.dimension_of_column, minlength=len(self.names))

    def columns(self, dimension: int) -> slice:
        """Return the columns of one parameter."""
        start, stop = np.searchsorted(self.dimension_of_column, [dimension, dimension + 1])
        return slice(int(start), int(stop))

    def values(self, places: Float64Array) -> Float64Array:
        """Return the lowest and highest SI value between two places on every axis, both (D, 2)."""
        spans = [axis.values(low, high) for axis, (low, high) in zip(self.axes, places, strict=True)]
        return np.array(spans).reshape(-1, 2)

    def figures(self, bounds: Float64Array) -> dict[str, float]:
        """Return boundaries, (D, 2), by the names under which they are logged."""
        return {
            f"curriculum/{name}/{side}": float(value)
            for name, pair in zip(self.names, bounds, strict=True)
            for side, value in zip(("low", "high"), pair, strict=True)
        }

    def check_state(self, names: Sequence[str]) -> None:
        """Raise UserError unless a saved curriculum's parameters are these."""
        if tuple(names) != self.names:
            raise UserError(
                f"the checkpoint's curriculum randomises {', '.join(names) or 'nothing'}; "
                f"this experiment randomises {', '.join(self.names) or 'nothing'}; valid: the same in the same order"
            )


def entry_name(entry: ParameterConfig) -> str:
    """Return the name of a randomised parameter, with its elements where it is not of all."""
    return entry.parameter if entry.elements is None else f"{entry.parameter}/{'+'.join(entry.elements)}"
