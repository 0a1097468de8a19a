"""Turns the targets of joints into the goals of their motors, in the one frame that sends them."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from sim2real.hardware.dynamixel.goal_frame import GoalFrame, GoalGroup
from sim2real.hardware.dynamixel.motor import Motor
from sim2real.hardware.dynamixel.scales import JointScales
from sim2real.hardware.types import Float64Array, JointCommand

_ROUNDING = 1.5 * 2.0**52
"""Added to a double of less than 2**51, it leaves the nearest integer in the low bits, as two's complement."""


class _Law(NamedTuple):
    """goal = round(clip(scale * target + offset, low, high)) with whole low and high, for one group of motors."""

    group: GoalGroup
    from_effort: bool
    scale: Float64Array
    offset: Float64Array | None
    low: Float64Array
    high: Float64Array
    scratch: Float64Array
    goals: npt.NDArray[np.signedinteger[npt.NBitBase]]
    """View of the low bits of `scratch`."""


class Goals:
    """Goal Current of motors in current mode, Goal Position of those in position mode, within what each accepts."""

    def __init__(self, motors: Sequence[Motor], scales: JointScales) -> None:
        self._frame = GoalFrame([m.id for m in motors], [m.table[m.goal_register] for m in motors])
        self._laws = tuple(_law(group, motors, scales) for group in self._frame.groups)
        self._many = len(self._laws) > 1

    def frame(self, command: JointCommand) -> bytes | bytearray:
        """Return the frame for a finite command; valid until the next call."""
        for law in self._laws:
            source = command.effort if law.from_effort else command.position
            if self._many:
                source = source[law.group.motors]
            scratch = law.scratch
            np.multiply(source, law.scale, scratch)
            if law.offset is not None:
                np.add(scratch, law.offset, scratch)
            np.maximum(scratch, law.low, out=scratch)
            np.minimum(scratch, law.high, out=scratch)
            np.add(scratch, _ROUNDING, scratch)
            law.group.values[...] = law.goals
        return self._frame.seal()


def _law(group: GoalGroup, motors: Sequence[Motor], scales: JointScales) -> _Law:
    chosen = group.motors
    from_effort = group.register.name == "goal_current"
    scale = 1.0 / (scales.effort if from_effort else scales.position)[chosen]
    offset = None if from_effort else -scales.position_offset[chosen] * scale
    low, high = np.array([motors[index].goal_range for index in chosen], np.float64).T
    scratch = np.zeros(len(chosen))
    size = group.register.size
    goals = scratch.view(f"<i{size}")[:: 8 // size]
    return _Law(group, from_effort, scale, offset, low.copy(), high.copy(), scratch, goals)
