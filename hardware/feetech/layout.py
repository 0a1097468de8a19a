"""A sync read of one block of all motors: its request, and where each value lies in the reply."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from sim2real.hardware.feetech.frame import BROADCAST, HEADER, Instruction, encode
from sim2real.hardware.feetech.tables import MemoryTable, Register

FIRST, LAST = "present_position", "present_current"
"""The block of readings that is asked for."""

_PREFIX = 5  # of each status packet: header, id, LEN, error
_AROUND = _PREFIX + 1  # and the checksum
_SUMMED_FROM = 2  # the checksum covers what comes after the header


class ReplyLayout:
    """The fixed form of an intact reply, laid over a buffer once and for all.

    Attributes:
        request: The frame that asks for the block.
        reply_bytes: Length of the whole reply.
        length: Bytes of data of each motor.
        stride: Bytes of each status packet.
        heads: Start of each status packet as it must be.
        errors: (N,) view of the error bytes.
        position, velocity, current: (N,) views of the words as sent, signs in their highest bit.
        voltage, temperature: (N,) views of the bytes.
    """

    def __init__(self, buffer: memoryview, ids: Sequence[int], table: MemoryTable, length: int) -> None:
        """Lay out a block of `length` bytes, which may be longer than the readings need, over a buffer."""
        address = table[FIRST].address
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
        self.errors: npt.NDArray[np.uint8] = np.ndarray((count,), np.uint8, buffer, _PREFIX - 1, (stride,))
        self._all_heads = b"".join(self.heads)
        self._head_column: npt.NDArray[np.void] = np.ndarray((count,), "V4", buffer, 0, (stride,))
        summed = (count, stride - _SUMMED_FROM)
        self._summed: npt.NDArray[np.uint8] = np.ndarray(summed, np.uint8, buffer, _SUMMED_FROM, (stride, 1))
        self._sums = np.zeros(count, np.uint8)
        self._good_sums = b"\xff" * count

    def intact(self, received: int) -> bool:
        """Tell whether the first so many bytes of the buffer are exactly one intact reply."""
        if received != self.reply_bytes or self._head_column.tobytes() != self._all_heads:
            return False
        # Sum and checksum are complements: together all ones, in arithmetic of one byte.
        np.add.reduce(self._summed, axis=1, dtype=np.uint8, out=self._sums)
        return self._sums.tobytes() == self._good_sums
