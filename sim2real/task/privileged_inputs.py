"""Inputs of the privileged terms."""

from dataclasses import dataclass

from sim2real.hardware.types import Float64Array
from sim2real.task.state import TaskConstants, TaskState


@dataclass(frozen=True)
class PrivilegedInputs:
    """Inputs of the privileged terms, for k robots."""

    state: TaskState
    constants: TaskConstants
    parameters: Float64Array
    """Drawn parameters, (k, C), in half widths of their limits from the calibrated values."""
    push: Float64Array
    """Remaining velocity change of a push, (k, 2), m/s."""


@dataclass(frozen=True)
class Sizes:
    """Numbers that the sizes of privileged terms depend on."""

    joints: int
    feet: int
    parameters: int
    """C, columns of drawn parameters."""
