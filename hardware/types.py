"""What crosses the joint-level interface: states and commands of all joints of a robot, in SI units, in joint order."""

from dataclasses import dataclass, field
from enum import IntFlag
from typing import Self

import numpy as np
import numpy.typing as npt

Float64Array = npt.NDArray[np.float64]
Int64Array = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]


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
        """Return the state before the first reading: positions are NaN, so that nobody takes them for a pose."""
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
        """Return a command of zeros."""
        return cls(*(np.zeros(joints) for _ in range(5)))


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
    """Well-formed replies that nobody asked for: late, duplicated, of another motor."""
    by_joint: dict[str, int] = field(default_factory=dict)
    """Readings missed, by joint name."""
