"""Joint states and joint commands in SI units and joint order; IMU states; bus counters."""

from dataclasses import dataclass, field
from enum import Enum, IntFlag
from typing import Self, TypeVar

import numpy as np
import numpy.typing as npt

Float64Array = npt.NDArray[np.float64]
Int64Array = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]
Indices = npt.NDArray[np.intp]

ScalarT = TypeVar("ScalarT", bound=np.generic)


def read_only(array: npt.NDArray[ScalarT]) -> npt.NDArray[ScalarT]:
    """Return a view of an array that cannot be written to."""
    view = array.view()
    view.flags.writeable = False
    return view


class MotorFault(IntFlag):
    """Faults that motors of any family report."""

    VOLTAGE = 1
    OVERHEATING = 2
    ENCODER = 4
    SHOCK = 8
    OVERLOAD = 16
    WATCHDOG = 32
    """The motor stopped itself because it received no instructions."""
    OTHER = 64
    RESTARTED = 128
    """The motor has restarted: torque is off, and it has lost what was configured."""
    MOVED_WHILE_HELD = 256
    """The joint left the range of its targets just after torque came on: the motor obeys something else."""


class Supervision(Enum):
    """Whether the supervisor process watches this one, and would stop the motors for it."""

    NONE = "none"
    """Torque is off: there is nothing to watch."""
    WATCHING = "watching"
    LOST = "lost"
    """It has ended, or has shown no sign of life for too long: nothing would stop the motors if this process died."""
    TRIPPED = "tripped"
    """It has stopped the motors, because this process did not feed it in time."""


@dataclass(slots=True)
class JointState:
    """Readings of J joints; every array is (J,). A joint that does not answer keeps its last values."""

    position: Float64Array
    """rad"""
    velocity: Float64Array
    """rad/s"""
    effort: Float64Array
    """N·m"""
    stamp_ns: Int64Array
    """Monotonic time at which the reading arrived, ns; -1 before the first."""
    fresh: BoolArray
    """True if the joint answered the last read."""
    faults: Int64Array
    """Bits of `MotorFault`."""
    temperature: Float64Array
    """°C; NaN before the first reading; polled more slowly than positions."""
    voltage: Float64Array
    """V at the motor; NaN before the first reading; polled more slowly than positions."""
    health_stamp_ns: Int64Array
    """Monotonic time at which temperature and voltage arrived, ns; -1 before the first."""

    @classmethod
    def empty(cls, joints: int) -> Self:
        """Return the state before the first reading; positions are NaN, so that they cannot be mistaken for a pose."""
        nan = np.full(joints, np.nan)
        return cls(
            position=nan.copy(),
            velocity=nan.copy(),
            effort=nan.copy(),
            stamp_ns=np.full(joints, -1, np.int64),
            fresh=np.zeros(joints, np.bool_),
            faults=np.zeros(joints, np.int64),
            temperature=nan.copy(),
            voltage=nan.copy(),
            health_stamp_ns=np.full(joints, -1, np.int64),
        )


@dataclass(slots=True)
class JointCommand:
    """Targets of J joints; every array is (J,). The joint's mode in the robot YAML decides which targets it follows.

    The control law is effort = stiffness·(position − q) + damping·(velocity − q̇) + effort. A motor in current mode
    uses only `effort`, one in position mode only `position`; families with impedance control use all five.
    """

    position: Float64Array
    """rad"""
    velocity: Float64Array
    """rad/s"""
    effort: Float64Array
    """Feed-forward, N·m."""
    stiffness: Float64Array
    """N·m/rad"""
    damping: Float64Array
    """N·m·s/rad"""

    @classmethod
    def zeros(cls, joints: int) -> Self:
        """Return a command of zeros. Its arrays are the rows of one block, so that drivers can check all at once."""
        return cls(*np.zeros((5, joints)))

    @property
    def block(self) -> Float64Array | None:
        """The arrays as the rows of one block, (5, J), in their order; None where they are not."""
        arrays = (self.position, self.velocity, self.effort, self.stiffness, self.damping)
        block = self.position.base
        if not isinstance(block, np.ndarray) or block.shape != (len(arrays), len(self.position)):
            return None
        same = (array.__array_interface__ == row.__array_interface__ for array, row in zip(arrays, block, strict=True))
        return block if all(same) else None


class ImuFault(IntFlag):
    """Faults in the readings of an IMU of any type."""

    STALE = 1
    """No usable sample for longer than the unit's `stale_after`, or none yet, or the port vanished."""
    FROZEN = 2
    """All samples during `stale_after` were bit-identical; a working sensor has noise."""
    IMPLAUSIBLE = 4
    """The newest sample was physically impossible and was not used."""


@dataclass(slots=True)
class ImuState:
    """Readings of K IMUs, each in the frame of its body. A unit that sent nothing keeps its values."""

    angular_velocity: Float64Array
    """(K, 3), rad/s"""
    linear_acceleration: Float64Array
    """(K, 3), m/s²: proper acceleration, +9.81 upward at rest."""
    orientation: Float64Array
    """(K, 4), unit quaternion w x y z from body frame to world frame."""
    stamp_ns: Int64Array
    """(K,), monotonic time at which the reading arrived, ns; -1 before the first."""
    fresh: BoolArray
    """(K,), True if the last read got a new reading. False is normal between samples: use `stamp_ns` for the age."""
    faults: Int64Array
    """(K,), bits of `ImuFault`."""

    @classmethod
    def empty(cls, imus: int) -> Self:
        """Return the state before the first reading; values are NaN, so that they cannot be mistaken for a reading."""
        return cls(
            angular_velocity=np.full((imus, 3), np.nan),
            linear_acceleration=np.full((imus, 3), np.nan),
            orientation=np.full((imus, 4), np.nan),
            stamp_ns=np.full(imus, -1, np.int64),
            fresh=np.zeros(imus, np.bool_),
            faults=np.full(imus, int(ImuFault.STALE), np.int64),
        )


@dataclass(slots=True)
class BusCounters:
    """Message counters of a robot's buses since `open`."""

    reads: int = 0
    writes: int = 0
    timeouts: int = 0
    """Replies that did not arrive in time, counted per motor."""
    corrupt: int = 0
    """Replies with a wrong checksum or format."""
    unexpected: int = 0
    """Valid replies that match no request: late, duplicated, or from another motor."""
    settings_written: int = 0
    """Writes to persistent memory of motors and IMUs, which wears out."""
    by_joint: dict[str, int] = field(default_factory=dict)
    """Missed readings, by joint name."""
