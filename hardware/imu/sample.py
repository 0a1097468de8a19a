"""What IMUs measure: one sample as it leaves the driver of its type, and the motion behind it."""

from dataclasses import dataclass

Vector = tuple[float, float, float]
Quaternion = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class ImuSample:
    """One sample in the unit's own frame; SI units, quaternion w x y z."""

    angular_velocity: Vector
    """rad/s"""
    linear_acceleration: Vector
    """m/s²: proper acceleration, +9.81 upward at rest."""
    orientation: Quaternion
    """Turns the unit's frame into the world's."""
    raw: bytes
    """The sample as it was sent, without what counts on by itself, such as time."""


@dataclass(frozen=True, slots=True)
class Motion:
    """How a body moves, in its own frame; what an emulated unit measures."""

    orientation: Quaternion
    """Turns the body's frame into the world's."""
    angular_velocity: Vector
    """rad/s"""
    linear_acceleration: Vector
    """m/s²: proper acceleration, +9.81 upward at rest."""
