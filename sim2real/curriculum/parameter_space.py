"""Space of the randomised parameters: D parameters, C drawn numbers."""

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
    """D parameters; each is drawn for a number of columns, one per element, C in total."""

    names: tuple[str, ...]
    """(D,); unique."""
    entries: tuple[ParameterConfig, ...]
    """(D,)"""
    dimension_of_column: npt.NDArray[np.intp]
    """Parameter of each column, (C,)."""

    @classmethod
    def of(cls, entries: Sequence[ParameterConfig], widths: Sequence[int]) -> "ParameterSpace":
        """Return the space of parameters that have `widths` columns each."""
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
        """Axis of each parameter, (D,)."""
        return tuple(Axis.of(entry) for entry in self.entries)

    @property
    def span(self) -> Float64Array:
        """Distance between the limits on each axis, (D,)."""
        return np.array([axis.span for axis in self.axes])

    @property
    def widths(self) -> npt.NDArray[np.intp]:
        """Number of columns of each parameter, (D,)."""
        return np.bincount(self.dimension_of_column, minlength=len(self.names))

    def columns(self, dimension: int) -> slice:
        """Return the columns of one parameter."""
        start, stop = np.searchsorted(self.dimension_of_column, [dimension, dimension + 1])
        return slice(int(start), int(stop))

    def values(self, coordinates: Float64Array) -> Float64Array:
        """Return the lowest and highest SI value between two coordinates on every axis; both arrays are (D, 2)."""
        spans = [axis.values(low, high) for axis, (low, high) in zip(self.axes, coordinates, strict=True)]
        return np.array(spans).reshape(-1, 2)

    def figures(self, bounds: Float64Array) -> dict[str, float]:
        """Return boundaries, (D, 2), by their names in the log."""
        return {
            f"curriculum/{name}/{side}": float(value)
            for name, pair in zip(self.names, bounds, strict=True)
            for side, value in zip(("low", "high"), pair, strict=True)
        }

    def check_state(self, names: Sequence[str]) -> None:
        """Raise UserError unless a saved curriculum has the same parameters in the same order."""
        if tuple(names) != self.names:
            raise UserError(
                f"the checkpoint's curriculum randomises {', '.join(names) or 'nothing'}; "
                f"this experiment randomises {', '.join(self.names) or 'nothing'}; valid: the same in the same order"
            )


def entry_name(entry: ParameterConfig) -> str:
    """Return the name of a randomised parameter, with its elements if they are restricted."""
    return entry.parameter if entry.elements is None else f"{entry.parameter}/{'+'.join(entry.elements)}"
