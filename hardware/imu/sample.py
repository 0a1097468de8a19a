"""One IMU sample, and the true motion that an emulated IMU measures."""

from typing import NamedTuple

Vector = tuple[float, float, float]
Quaternion = tuple[float, float, float, float]


class ImuSample(NamedTuple):
    """One sample in the unit's own frame; SI units, quaternion w x y z."""

    angular_velocity: Vector
    """rad/s"""
    linear_acceleration: Vector
    """m/s²: proper acceleration, +9.81 upward at rest."""
    orientation: Quaternion
    """Rotation from the frame of the unit to the world frame."""
    raw: bytes
    """The sample as sent, without fields that always change, such as time."""


class Motion(NamedTuple):
    """The motion of a body, in the body's own frame; measured by an emulated unit."""

    orientation: Quaternion
    """Rotation from the frame of the body to the world frame."""
    angular_velocity: Vector
    """rad/s"""
    linear_acceleration: Vector
    """m/s²: proper acceleration, +9.81 upward at rest."""
