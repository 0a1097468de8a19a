"""Converts joint targets to motor goals, and writes them to the frame that sends them."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from numpy import absolute, add, less, maximum, minimum, multiply, rint

from sim2real.hardware.feetech.frame import BROADCAST, Instruction, checksum, encode
from sim2real.hardware.feetech.motor import Motor
from sim2real.hardware.feetech.scales import JointScales
from sim2real.hardware.types import JointCommand

_BODY_AT = 2  # the checksum starts after the header
_GOALS_AT = 7  # header, id, LEN, instruction, address, length; then id and goal of each motor
_SIGN = 0x8000
MOTORS_MAX = 83
"""Largest number of motors whose ids and two-byte goals fit in a frame."""


class Goals:
    """Goal Position (42) of all motors in one sync write, built in place from a template."""

    def __init__(self, motors: Sequence[Motor], scales: JointScales) -> None:
        register = motors[0].table["goal_position"]
        everyone = b"".join(bytes((motor.id,)) + bytes(register.size) for motor in motors)
        parameters = bytes((register.address, register.size)) + everyone
        self._frame = bytearray(encode(BROADCAST, Instruction.SYNC_WRITE, parameters))
        self._body = memoryview(self._frame)[_BODY_AT:-1]
        stride = 1 + register.size
        self._values: npt.NDArray[np.uint16] = np.ndarray(
            (len(motors),), "<u2", memoryview(self._frame), _GOALS_AT + 1, (stride,)
        )
        self._scale = 1.0 / scales.position
        self._offset = -scales.goal_offset * self._scale
        low, high = np.array([motor.goal_range for motor in motors], np.float64).T
        self._low, self._high = low.copy(), high.copy()
        self._signed = bool((low < 0).any())
        self._scratch = np.empty(len(motors))
        self._negative = np.zeros(len(motors), np.bool_)

    def frame(self, command: JointCommand) -> bytearray:
        """Return the frame for a finite command, goals clipped to each motor's range; valid until the next call."""
        scratch = self._scratch
        multiply(command.position, self._scale, out=scratch)
        add(scratch, self._offset, out=scratch)
        rint(scratch, out=scratch)
        maximum(scratch, self._low, out=scratch)
        minimum(scratch, self._high, out=scratch)
        if self._signed:
            less(scratch, 0.0, out=self._negative)
            absolute(scratch, out=scratch)
            add(scratch, _SIGN, out=scratch, where=self._negative)
        self._values[...] = scratch
        self._frame[-1] = checksum(self._body)
        return self._frame
