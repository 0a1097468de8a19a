"""How a unit is fixed to its body: rotations of vectors and quaternions, three numbers at a time."""

import math
from typing import Self

from sim2real.hardware.imu.sample import Quaternion, Vector


class Mounting:
    """The rotation from a unit's frame to that of its body.

    Args:
        roll: About the body's x axis, rad; the first rotation.
        pitch: About its y axis, rad.
        yaw: About its z axis, rad; the last. All three axes stay those of the body.
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
        """Return the mounting with roll, pitch and yaw as a tuple."""
        return cls(*angles)

    def to_body(self, vector: Vector) -> Vector:
        """Return the components in the body's frame of a vector that the unit gives in its own."""
        return vector if self._is_identity else rotate(self.quaternion, vector)

    def to_unit(self, vector: Vector) -> Vector:
        """Return the components in the unit's frame of a vector in the body's."""
        return vector if self._is_identity else rotate(self._conjugate, vector)

    def body_orientation(self, unit: Quaternion) -> Quaternion:
        """Return the orientation of the body from that of the unit."""
        return unit if self._is_identity else multiply(unit, self._conjugate)

    def unit_orientation(self, body: Quaternion) -> Quaternion:
        """Return the orientation of the unit from that of the body."""
        return body if self._is_identity else multiply(body, self.quaternion)


def multiply(first: Quaternion, second: Quaternion) -> Quaternion:
    """Return the product: the rotation by the second, then by the first."""
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
    """Return the vector turned by a unit quaternion."""
    _, x, y, z = multiply(multiply(quaternion, (0.0, *vector)), conjugate(quaternion))
    return x, y, z
