"""The inputs of the contract: readings and operator commands as batched arrays in SI units, by joint and IMU."""

from dataclasses import dataclass
from typing import Protocol, Self

import numpy as np
import numpy.typing as npt

from sim2real.hardware.types import Float64Array, read_only

Float32Array = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Sizes:
    """Number of joints, IMUs and operator commands of a robot with its task."""

    joints: int
    imus: int
    commands: int


class Sized(Protocol):
    """A contract, as far as the sizes of its signals go."""

    @property
    def sizes(self) -> Sizes:
        """Number of joints, IMUs and operator commands."""


@dataclass(slots=True)
class Signals:
    """Readings of n robots with J joints and K IMUs, and C operator commands to each.

    Every array is float64 and C-contiguous. None has a default: one that is forgotten shows where it is forgotten.
    """

    joint_position: Float64Array
    """(n, J), rad"""
    joint_velocity: Float64Array
    """(n, J), rad/s"""
    joint_effort: Float64Array
    """(n, J), N·m"""
    angular_velocity: Float64Array
    """(n, K, 3), rad/s, in the frame of the IMU's body."""
    orientation: Float64Array
    """(n, K, 4), unit quaternion w x y z that turns the frame of the IMU's body into the world's."""
    command: Float64Array
    """(n, C), SI units."""
    clock: Float64Array
    """(n, 1), s since the episode, or the policy, began: whole control periods."""
    tip: Float64Array
    """(n, 3), m, in the frame of the robot's base: a measurement from outside the robot, such as a camera's."""
    joint_target: Float64Array
    """(n, J), rad: the position targets of the tick before, the action pipeline's own."""

    def read_only(self) -> Self:
        """Return views of the same arrays that cannot be written to."""
        return type(self)(**{name: read_only(getattr(self, name)) for name in self.__slots__})

    @classmethod
    def of(cls, contract: Sized, n: int) -> Self:
        """Return the signals of n robots of a contract: zeros; orientations are upright."""
        sizes = contract.sizes
        return cls.zeros(n, sizes.joints, sizes.imus, sizes.commands)

    @classmethod
    def zeros(cls, n: int, joints: int, imus: int, commands: int) -> Self:
        """Return signals of zeros, in the sizes that are given; orientations are upright."""
        orientation = np.zeros((n, imus, 4))
        orientation[:, :, 0] = 1.0
        return cls(
            joint_position=np.zeros((n, joints)),
            joint_velocity=np.zeros((n, joints)),
            joint_effort=np.zeros((n, joints)),
            angular_velocity=np.zeros((n, imus, 3)),
            orientation=orientation,
            command=np.zeros((n, commands)),
            clock=np.zeros((n, 1)),
            tip=np.zeros((n, 3)),
            joint_target=np.zeros((n, joints)),
        )
