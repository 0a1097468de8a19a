"""A sync read of one block of all motors: the request, and the position of each value in the reply."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from sim2real.hardware.feetech.frame import BROADCAST, HEADER, Instruction, encode
from sim2real.hardware.feetech.tables import MemoryTable, Register

FIRST, LAST = "present_position", "present_current"
"""First and last register of the block of readings."""
FULL_FIRST = "torque_enable"
"""First register of the block that also has what a restart resets."""

SETTINGS = ("torque_enable", "goal_velocity", "torque_limit")
"""Registers that a restart resets."""

_PREFIX = 5  # of each status packet: header, id, LEN, error
_AROUND = _PREFIX + 1  # plus the checksum
_SUMMED_FROM = 2  # the checksum starts after the header


class ReplyLayout:
    """The fixed layout of an intact reply, as views of a receive buffer.

    Attributes:
        request: The request frame.
        reply_bytes: Length of the whole reply, bytes.
        length: Data bytes per motor.
        stride: Size of one status packet, bytes.
        heads: Expected first bytes of each status packet.
        errors: (N,) view of the error bytes.
        settings: (N,) views of the registers `SETTINGS`, if they are in the block.
        position, velocity, current: (N,) views of the words as sent, with the sign in the highest bit.
        voltage, temperature: (N,) views of the bytes.
    """

    def __init__(
        self, buffer: memoryview, ids: Sequence[int], table: MemoryTable, length: int, first: str = FIRST
    ) -> None:
        """Lay out a block of `length` bytes, which may be more than the readings need, from this register on."""
        address = table[first].address
        count = len(ids)
        self.request = encode(BROADCAST, Instruction.SYNC_READ, bytes((address, length, *ids)))
        self.length = length
        self.stride = stride = length + _AROUND
        self.reply_bytes = count * stride
        self.heads = [HEADER + bytes((motor, length + 2)) for motor in ids]

        def column(register: Register) -> npt.NDArray[np.integer[npt.NBitBase]]:
            at = _PREFIX + register.address - address
            return np.ndarray((count,), f"<u{register.size}", buffer, at, (stride,))

        self.position = column(table["present_position"])
        self.velocity = column(table["present_velocity"])
        self.current = column(table["present_current"])
        self.voltage = column(table["present_voltage"])
        self.temperature = column(table["present_temperature"])
        self.settings: tuple[npt.NDArray[np.integer[npt.NBitBase]], ...] = ()
        if first == FULL_FIRST:
            self.settings = tuple(column(table[name]) for name in SETTINGS)
        self.errors: npt.NDArray[np.uint8] = np.ndarray((count,), np.uint8, buffer, _PREFIX - 1, (stride,))
        self._all_heads = b"".join(self.heads)
        self._head_column: npt.NDArray[np.void] = np.ndarray((count,), "V4", buffer, 0, (stride,))
        summed = (count, stride - _SUMMED_FROM)
        self._summed: npt.NDArray[np.uint8] = np.ndarray(summed, np.uint8, buffer, _SUMMED_FROM, (stride, 1))
        self._sums = np.zeros(count, np.uint8)
        self._good_sums = b"\xff" * count

    def intact(self, received: int) -> bool:
        """Return whether the first `received` bytes of the buffer are exactly one intact reply."""
        if received != self.reply_bytes or self._head_column.tobytes() != self._all_heads:
            return False
        # The checksum is the complement of the sum: together they give 0xFF modulo 256.
        np.add.reduce(self._summed, axis=1, dtype=np.uint8, out=self._sums)
        return self._sums.tobytes() == self._good_sums
