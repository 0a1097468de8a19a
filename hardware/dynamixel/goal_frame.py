"""The frame with the goals of all motors of a bus, built in place from a template."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from fastcrc.crc16 import umts as crc16

from sim2real.hardware.dynamixel.frame import BROADCAST, Instruction, encode
from sim2real.hardware.dynamixel.tables import Register
from sim2real.hardware.types import Int64Array

_PARAMETERS_AT = 8
_MARK = b"\xff\xff\xfd"
_put_crc = struct.Struct("<H").pack_into


@dataclass(frozen=True, slots=True)
class GoalGroup:
    """Motors with the same goal register."""

    register: Register
    motors: Int64Array
    """Indices of the motors in bus order."""
    values: npt.NDArray[np.signedinteger[npt.NBitBase]]
    """Writable view of their goals in the frame."""


class GoalFrame:
    """One frame: a sync write if all motors have the same goal register, else a bulk write."""

    def __init__(self, ids: Sequence[int], registers: Sequence[Register]) -> None:
        """Build the template.

        Args:
            ids: Motor ids, in bus order.
            registers: Goal register of each motor.
        """
        distinct = sorted(set(registers), key=lambda register: register.address)
        same = len(distinct) == 1
        parameters = bytearray(_block(distinct[0]) if same else b"")
        spans: list[tuple[Register, list[int], int, int]] = []
        for register in distinct:
            motors = [index for index, own in enumerate(registers) if own == register]
            prefixes = [bytes((ids[index],)) + (b"" if same else _block(register)) for index in motors]
            first = len(parameters) + len(prefixes[0])
            for prefix in prefixes:
                parameters += prefix + bytes(register.size)
            spans.append((register, motors, first, len(prefixes[0]) + register.size))
        self._instruction = Instruction.SYNC_WRITE if same else Instruction.BULK_WRITE
        self._template = bytearray(encode(BROADCAST, self._instruction, bytes(parameters)))
        self._parameters = memoryview(self._template)[_PARAMETERS_AT:-2]
        self._crc_at = len(self._template) - 2
        self._checked = memoryview(self._template)[:-2]
        self.groups: tuple[GoalGroup, ...] = tuple(
            GoalGroup(
                register,
                np.array(motors, np.int64),
                np.ndarray((len(motors),), f"<i{register.size}", self._parameters, first, (stride,)),
            )
            for register, motors, first, stride in spans
        )

    def seal(self) -> bytes | bytearray:
        """Return the frame with its present goals; the template itself if nothing needs stuffing."""
        template, end = self._template, self._crc_at
        if template.find(_MARK, _PARAMETERS_AT - 1, end) >= 0:
            return encode(BROADCAST, self._instruction, bytes(self._parameters))
        _put_crc(template, end, crc16(self._checked))
        return template


def _block(register: Register) -> bytes:
    return register.address.to_bytes(2, "little") + register.size.to_bytes(2, "little")
