"""Joint states and joint commands of all joints of a robot, in SI units, in joint order; IMU states and counters."""

from dataclasses import dataclass, field
from enum import IntFlag
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
    """What a motor reports to be wrong with itself, for every family."""

    VOLTAGE = 1
    OVERHEATING = 2
    ENCODER = 4
    SHOCK = 8
    OVERLOAD = 16
    WATCHDOG = 32
    """The motor stopped itself because no instruction came."""
    OTHER = 64


@dataclass(slots=True)
class JointState:
    """Readings of J joints; every array is (J,). A joint that did not answer keeps its last values."""

    position: Float64Array
    """rad"""
    velocity: Float64Array
    """rad/s"""
    effort: Float64Array
    """N·m"""
    stamp_ns: Int64Array
    """Monotonic time at which the reading arrived; -1 before the first."""
    fresh: BoolArray
    """Whether the joint answered the last read."""
    faults: Int64Array
    """Bits of `MotorFault`."""
    temperature: Float64Array
    """°C, NaN before the first reading; polled more slowly than positions."""
    voltage: Float64Array
    """V at the motor, NaN before the first reading; polled more slowly than positions."""

    @classmethod
    def empty(cls, joints: int) -> Self:
        """Return the state before the first reading: positions are NaN, so that they are not taken for a pose."""
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
        )


@dataclass(slots=True)
class JointCommand:
    """Targets of J joints; every array is (J,). Which of them a joint follows is its mode in the robot YAML.

    The law they describe is effort = stiffness·(position − q) + damping·(velocity − q̇) + effort. A motor in current
    mode takes `effort` alone, one in position mode `position` alone; families with impedance control take all five.
    """

    position: Float64Array
    velocity: Float64Array
    effort: Float64Array
    stiffness: Float64Array
    damping: Float64Array

    @classmethod
    def zeros(cls, joints: int) -> Self:
        """Return a command of zeros; its arrays are the rows of one block, so that drivers can look at all at once."""
        return cls(*np.zeros((5, joints)))


class ImuFault(IntFlag):
    """What is wrong with the readings of an IMU, whatever its type."""

    STALE = 1
    """No sample that could be used for longer than the unit's `stale_after`, or none yet, or its port vanished."""
    FROZEN = 2
    """Every sample for as long as that was the same to the bit, which no sensor that works gives."""
    IMPLAUSIBLE = 4
    """The newest sample was no possible reading and has not been taken over."""


@dataclass(slots=True)
class ImuState:
    """Readings of K IMUs in the frames of the bodies they are fixed to. A unit that sent nothing keeps its values."""

    angular_velocity: Float64Array
    """(K, 3), rad/s"""
    linear_acceleration: Float64Array
    """(K, 3), m/s²: proper acceleration, +9.81 upward at rest."""
    orientation: Float64Array
    """(K, 4), unit quaternion w x y z that turns the body's frame into the world's."""
    stamp_ns: Int64Array
    """(K,), monotonic time at which the reading arrived; -1 before the first."""
    fresh: BoolArray
    """(K,), whether the last read brought a new reading; between samples it does not, so judge the stamp."""
    faults: Int64Array
    """(K,), bits of `ImuFault`."""

    @classmethod
    def empty(cls, imus: int) -> Self:
        """Return the state before the first reading: NaN, so that it is not taken for a reading."""
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
    """What happened on the buses of a robot since it was opened."""

    reads: int = 0
    writes: int = 0
    timeouts: int = 0
    """Replies that did not come in time, one for each motor."""
    corrupt: int = 0
    """Replies with a wrong checksum or form."""
    unexpected: int = 0
    """Well-formed replies to no request: late, duplicated, of another motor."""
    by_joint: dict[str, int] = field(default_factory=dict)
    """Readings missed, by joint name."""
