"""The mounting of an IMU on its body: rotations of vectors and quaternions, in plain floats."""

import math
from typing import Self

from sim2real.hardware.imu.sample import Quaternion, Vector


class Mounting:
    """The rotation from the frame of a unit to the frame of its body.

    Args:
        roll: First rotation, about the body's x axis, rad.
        pitch: Second rotation, about the body's y axis, rad.
        yaw: Third rotation, about the body's z axis, rad.
    """

    def __init__(self, roll: float = 0.0, pitch: float = 0.0, yaw: float = 0.0) -> None:
        about_x = (math.cos(roll / 2.0), math.sin(roll / 2.0), 0.0, 0.0)
        about_y = (math.cos(pitch / 2.0), 0.0, math.sin(pitch / 2.0), 0.0)
        about_z = (math.cos(yaw / 2.0), 0.0, 0.0, math.sin(yaw / 2.0))
        self.quaternion: Quaternion = multiply(multiply(about_z, about_y), about_x)
        self._conjugate = conjugate(self.quaternion)
        self._is_identity = roll == pitch == yaw == 0.0

    @classmethod
    def of(cls, angles: tuple[float, float, float]) -> Self:
        """Return the mounting with these roll, pitch and yaw angles, rad."""
        return cls(*angles)

    def to_body(self, vector: Vector) -> Vector:
        """Transform a vector from the frame of the unit to the frame of the body."""
        return vector if self._is_identity else rotate(self.quaternion, vector)

    def to_unit(self, vector: Vector) -> Vector:
        """Transform a vector from the frame of the body to the frame of the unit."""
        return vector if self._is_identity else rotate(self._conjugate, vector)

    def body_orientation(self, unit: Quaternion) -> Quaternion:
        """Return the orientation of the body, given that of the unit."""
        return unit if self._is_identity else multiply(unit, self._conjugate)

    def unit_orientation(self, body: Quaternion) -> Quaternion:
        """Return the orientation of the unit, given that of the body."""
        return body if self._is_identity else multiply(body, self.quaternion)


def multiply(first: Quaternion, second: Quaternion) -> Quaternion:
    """Return the product: the second rotation followed by the first."""
    aw, ax, ay, az = first
    bw, bx, by, bz = second
    return (
        aw * bw - ax * bx - ay * by - az * bz,
        aw * bx + ax * bw + ay * bz - az * by,
        aw * by - ax * bz + ay * bw + az * bx,
        aw * bz + ax * by - ay * bx + az * bw,
    )


def conjugate(quaternion: Quaternion) -> Quaternion:
    """Return the inverse of a unit quaternion."""
    w, x, y, z = quaternion
    return w, -x, -y, -z


def rotate(quaternion: Quaternion, vector: Vector) -> Vector:
    """Rotate a vector by a unit quaternion."""
    _, x, y, z = multiply(multiply(quaternion, (0.0, *vector)), conjugate(quaternion))
    return x, y, z
