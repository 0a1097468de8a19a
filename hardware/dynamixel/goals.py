"""Turns the targets of joints into the goals of their motors, in the one frame that sends them."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from hardware.dynamixel.goal_frame import GoalFrame, GoalGroup
from hardware.dynamixel.motor import Motor
from hardware.dynamixel.scales import JointScales
from hardware.types import Float64Array, JointCommand


class _Law(NamedTuple):
    """goal = clip(round(scale * target + offset), low, high), for one group of motors."""

    group: GoalGroup
    from_effort: bool
    scale: Float64Array
    offset: Float64Array
    low: Float64Array
    high: Float64Array
    scratch: Float64Array


class Goals:
    """Goal Current of motors in current mode, Goal Position of those in position mode, within what each accepts."""

    def __init__(self, motors: Sequence[Motor], scales: JointScales) -> None:
        self._frame = GoalFrame([m.id for m in motors], [m.table[m.goal_register] for m in motors])
        self._laws = tuple(_law(group, motors, scales) for group in self._frame.groups)

    def frame(self, command: JointCommand) -> bytes | bytearray:
        """Return the frame for a finite command; valid until the next call."""
        for law in self._laws:
            source = command.effort if law.from_effort else command.position
            if len(self._laws) > 1:
                source = source[law.group.motors]
            scratch = law.scratch
            np.multiply(source, law.scale, out=scratch)
            np.add(scratch, law.offset, out=scratch)
            np.rint(scratch, out=scratch)
            np.maximum(scratch, law.low, out=scratch)
            np.minimum(scratch, law.high, out=scratch)
            law.group.values[:] = scratch
        return self._frame.seal()


def _law(group: GoalGroup, motors: Sequence[Motor], scales: JointScales) -> _Law:
    chosen = group.motors
    from_effort = group.register.name == "goal_current"
    scale = 1.0 / (scales.effort if from_effort else scales.position)[chosen]
    offset = np.zeros(len(chosen)) if from_effort else -scales.position_offset[chosen] * scale
    low, high = np.array([motors[index].goal_range for index in chosen], np.float64).T
    return _Law(group, from_effort, scale, offset, low.copy(), high.copy(), np.empty(len(chosen)))
