"""The line along which a curriculum moves one parameter: its SI values, or the positions of its choices."""

from dataclasses import dataclass
from typing import Literal

from sim2real.configs.schema.parameter import ParameterConfig


@dataclass(frozen=True)
class Axis:
    """One parameter, as places on a line.

    A place is the SI value itself. For a categorical parameter it is the position 0, 1, … of a choice in the order of
    `values`, so that a boundary that moves by one step opens the next choice, however far apart the values are.
    """

    distribution: Literal["uniform", "log_uniform", "normal", "categorical"]
    start: float
    """Place of the calibrated value; of the choice that is nearest to it for a categorical parameter."""
    range: tuple[float, float]
    """Places of the ends of the configured range."""
    limits: tuple[float, float]
    """Places that no curriculum passes."""
    step: float
    """How far a boundary moves at a time; one choice for a categorical parameter, whose own `step` has no meaning."""
    choices: tuple[float, ...] = ()
    """SI values of a categorical parameter, each once; empty for others."""

    @classmethod
    def of(cls, entry: ParameterConfig) -> "Axis":
        """Make the axis of a configured parameter."""
        if entry.distribution != "categorical":
            return cls(entry.distribution, entry.calibration, entry.bounds, entry.hard_limits, entry.step_size)
        choices = tuple(dict.fromkeys(entry.choices))
        distance = [abs(choice - entry.calibration) for choice in choices]
        ends = (0.0, len(choices) - 1.0)
        return cls("categorical", float(distance.index(min(distance))), ends, ends, 1.0, choices)

    @property
    def room(self) -> float:
        """Distance of the limits."""
        return self.limits[1] - self.limits[0]

    def open_choices(self, low: float, high: float) -> tuple[float, ...]:
        """Return the choices from one place to another; never none, if `start` lies between the two."""
        return tuple(choice for place, choice in enumerate(self.choices) if low <= place <= high)

    def values(self, low: float, high: float) -> tuple[float, float]:
        """Return the lowest and the highest SI value from one place to another."""
        if self.distribution != "categorical":
            return low, high
        opened = self.open_choices(low, high)
        return min(opened), max(opened)
