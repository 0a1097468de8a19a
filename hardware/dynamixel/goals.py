"""Converts joint targets to motor goals, and writes them to the frame that sends them."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numpy import add, maximum, minimum, multiply

from sim2real.hardware.dynamixel.goal_frame import GoalFrame, GoalGroup
from sim2real.hardware.dynamixel.motor import Motor
from sim2real.hardware.dynamixel.scales import JointScales
from sim2real.hardware.types import Float64Array, Int64Array, JointCommand

_ROUNDING = 1.5 * 2.0**52
"""Added to a double below 2**51, it puts the nearest integer in the low bits, as two's complement."""


class _Conversion(NamedTuple):
    """goal = round(clip(scale * target + offset, low, high)) for one group of motors; low and high are integers."""

    motors: Int64Array
    from_effort: bool
    scale: Float64Array
    offset: Float64Array | None
    low: Float64Array
    high: Float64Array
    rounding: Float64Array
    """`_ROUNDING` for each motor: numpy takes longer to add one number to an array than two arrays."""
    scratch: Float64Array
    goals: npt.NDArray[np.signedinteger[npt.NBitBase]]
    """View of the low bits of `scratch`."""
    values: npt.NDArray[np.signedinteger[npt.NBitBase]]
    """View of the goals in the frame."""


class Goals:
    """Goal Current in current mode, Goal Position in position mode, clipped to the range that each motor accepts."""

    def __init__(self, motors: Sequence[Motor], scales: JointScales) -> None:
        self._frame = GoalFrame([m.id for m in motors], [m.table[m.goal_register] for m in motors])
        self._conversions = tuple(_conversion(group, motors, scales) for group in self._frame.groups)
        self._many = len(self._conversions) > 1

    def frame(self, command: JointCommand) -> bytes | bytearray:
        """Return the frame for a finite command; valid until the next call."""
        for motors, from_effort, scale, offset, low, high, rounding, scratch, goals, values in self._conversions:
            source = command.effort if from_effort else command.position
            if self._many:
                source = source[motors]
            multiply(source, scale, scratch)
            if offset is not None:
                add(scratch, offset, scratch)
            maximum(scratch, low, out=scratch)
            minimum(scratch, high, out=scratch)
            add(scratch, rounding, scratch)
            values[...] = goals
        return self._frame.seal()


def _conversion(group: GoalGroup, motors: Sequence[Motor], scales: JointScales) -> _Conversion:
    chosen = group.motors
    from_effort = group.register.name == "goal_current"
    scale = 1.0 / (scales.effort if from_effort else scales.position)[chosen]
    offset = None if from_effort else -scales.position_offset[chosen] * scale
    low, high = np.array([motors[index].goal_range for index in chosen], np.float64).T
    scratch = np.zeros(len(chosen))
    size = group.register.size
    goals = scratch.view(f"<i{size}")[:: 8 // size]
    rounding = np.full_like(scratch, _ROUNDING)
    low, high = low.copy(), high.copy()
    return _Conversion(chosen, from_effort, scale, offset, low, high, rounding, scratch, goals, group.values)
