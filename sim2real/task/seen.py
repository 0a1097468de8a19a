"""What privileged terms are computed from."""

from dataclasses import dataclass

from sim2real.hardware.types import Float64Array
from sim2real.task.state import TaskConstants, TaskState


@dataclass(frozen=True)
class Seen:
    """What a critic may be shown of k robots."""

    state: TaskState
    constants: TaskConstants
    parameters: Float64Array
    """Drawn parameters, (k, C), in half widths of their limits from the calibrated values."""
    push: Float64Array
    """What is left of a push, (k, 2), m/s."""


@dataclass(frozen=True)
class Sizes:
    """How many there are of what privileged terms have values of."""

    joints: int
    feet: int
    parameters: int
    """C, columns of drawn parameters."""
