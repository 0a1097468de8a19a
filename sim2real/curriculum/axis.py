"""Axis along which a curriculum moves one parameter: its SI values, or the indices of its choices."""

from dataclasses import dataclass
from typing import Literal

from sim2real.configs.schema.parameter import ParameterConfig


@dataclass(frozen=True)
class Axis:
    """One parameter as coordinates on an axis.

    The coordinate is the SI value. For a categorical parameter it is the index 0, 1, … of a choice in the order of
    `values`: a boundary that moves by one step opens the next choice, whatever the distance of the values.
    """

    distribution: Literal["uniform", "log_uniform", "normal", "categorical"]
    start: float
    """Coordinate of the calibrated value; for a categorical parameter, of the choice nearest to it."""
    range: tuple[float, float]
    """Coordinates of the configured range."""
    limits: tuple[float, float]
    """Coordinates of the hard limits."""
    step: float
    """Step of a boundary; one choice for a categorical parameter, which ignores the configured `step`."""
    choices: tuple[float, ...] = ()
    """SI values of a categorical parameter, each once; empty for others."""

    @classmethod
    def of(cls, entry: ParameterConfig) -> "Axis":
        """Return the axis of a configured parameter."""
        if entry.distribution != "categorical":
            return cls(entry.distribution, entry.calibration, entry.bounds, entry.hard_limits, entry.step_size)
        choices = tuple(dict.fromkeys(entry.choices))
        distance = [abs(choice - entry.calibration) for choice in choices]
        ends = (0.0, len(choices) - 1.0)
        return cls("categorical", float(distance.index(min(distance))), ends, ends, 1.0, choices)

    @property
    def span(self) -> float:
        """Distance between the limits."""
        return self.limits[1] - self.limits[0]

    def open_choices(self, low: float, high: float) -> tuple[float, ...]:
        """Return the choices between two coordinates; at least one if `start` lies between them."""
        return tuple(choice for index, choice in enumerate(self.choices) if low <= index <= high)

    def values(self, low: float, high: float) -> tuple[float, float]:
        """Return the lowest and the highest SI value between two coordinates."""
        if self.distribution != "categorical":
            return low, high
        opened = self.open_choices(low, high)
        return min(opened), max(opened)
