"""What the robot measures and was told last, as the contract sees it: batched arrays in SI units, by joint and IMU."""

from dataclasses import dataclass, field
from typing import Self

import numpy as np
import numpy.typing as npt

from sim2real.hardware.types import Float64Array

Float32Array = npt.NDArray[np.float32]


def _none() -> Float64Array:
    return np.zeros((0, 0, 0))


@dataclass(slots=True)
class Signals:
    """Readings of n robots with J joints and K IMUs, and C commands given to each.

    Every array is float64 and C-contiguous. What a contract does not observe may be left empty.
    """

    joint_position: Float64Array
    """(n, J), rad"""
    joint_velocity: Float64Array
    """(n, J), rad/s"""
    joint_effort: Float64Array
    """(n, J), N·m"""
    angular_velocity: Float64Array = field(default_factory=_none)
    """(n, K, 3), rad/s, in the frame of the IMU's body."""
    orientation: Float64Array = field(default_factory=_none)
    """(n, K, 4), unit quaternion w x y z that turns the frame of the IMU's body into the world's."""
    command: Float64Array = field(default_factory=_none)
    """(n, C), SI units."""
    clock: Float64Array = field(default_factory=_none)
    """(n, 1), s since the episode, or the policy, began: whole control periods."""
    tip: Float64Array = field(default_factory=_none)
    """(n, 3), m, in the frame of the robot's base: a measurement from outside the robot, such as a camera's."""
    joint_target: Float64Array = field(default_factory=_none)
    """(n, J), rad: the position targets of the tick before, the action pipeline's own."""

    @classmethod
    def zeros(cls, n: int, joints: int, imus: int = 0, commands: int = 0) -> Self:
        """Return signals of zeros; orientations are upright."""
        orientation = np.zeros((n, imus, 4))
        orientation[:, :, 0] = 1.0
        return cls(
            np.zeros((n, joints)),
            np.zeros((n, joints)),
            np.zeros((n, joints)),
            np.zeros((n, imus, 3)),
            orientation,
            np.zeros((n, commands)),
            np.zeros((n, 1)),
            np.zeros((n, 3)),
            np.zeros((n, joints)),
        )
