"""A sync or fast sync read of one block of all motors: the request, and the position of each value in the reply."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt
from fastcrc.crc16 import umts as crc16

from sim2real.hardware.dynamixel.frame import BROADCAST, HEADER, Instruction, encode
from sim2real.hardware.dynamixel.registers import Register

_SYNC_HEADER = 8  # of each status packet: header, id, LEN, instruction; then error, data, CRC
_FAST_HEADER = 8  # of the one fast status packet; then error, id, data, CRC of each motor


class ReplyLayout:
    """The fixed layout of an intact reply without stuffing, as views of a receive buffer.

    Attributes:
        request: The request frame.
        reply_bytes: Length of the whole reply, bytes.
        length: Data bytes per motor.
        records: (N,) structured view of the buffer: the named registers of each motor, as sent.
        columns: (N,) views of the buffer, one for each named register.
        errors: (N,) view of the error bytes.
    """

    def __init__(
        self, buffer: memoryview, ids: Sequence[int], fields: Mapping[str, Register], length: int, fast: bool
    ) -> None:
        """Lay out a block.

        Args:
            buffer: Receive buffer; longer than a reply.
            ids: Motor ids, in reply order.
            fields: Registers of the block, by their names in `records`; the block starts at the first one.
            length: Length of the block, bytes; may be more than the registers need.
            fast: True for fast sync read, False for sync read.
        """
        address = next(iter(fields.values())).address
        instruction = Instruction.FAST_SYNC_READ if fast else Instruction.SYNC_READ
        block = address.to_bytes(2, "little") + length.to_bytes(2, "little")
        self.length = length
        self.request = encode(BROADCAST, instruction, block + bytes(ids))
        self.data_dtype = _data_dtype(fields, address, length)
        count = len(ids)
        if fast:
            group = [("error", "u1"), ("id", "u1"), ("data", self.data_dtype), ("crc", "<u2")]
            start = _FAST_HEADER
            size = 1 + count * (4 + length)
            self.head = HEADER + bytes((BROADCAST, size & 0xFF, size >> 8, Instruction.STATUS))
        else:
            group = [("head", f"V{_SYNC_HEADER}"), ("error", "u1"), ("data", self.data_dtype), ("crc", "<u2")]
            start = 0
            size = 4 + length
            self.head = b"".join(HEADER + bytes((motor, size & 0xFF, size >> 8, Instruction.STATUS)) for motor in ids)
        dtype = np.dtype(group)
        self.reply_bytes = start + count * dtype.itemsize
        reply = np.frombuffer(buffer, dtype, count, offset=start)
        self.errors: npt.NDArray[np.uint8] = reply["error"]
        self.records = reply["data"]
        self.columns: dict[str, npt.NDArray[np.integer[npt.NBitBase]]] = {name: self.records[name] for name in fields}
        self._crcs = reply["crc"]
        self._ids = bytes(ids)
        self._id_column = reply["id"] if fast else None
        self._head_column = np.frombuffer(buffer, np.uint8, _FAST_HEADER) if fast else reply["head"]
        ends = [start + (index + 1) * dtype.itemsize - 2 for index in range(count)]
        # The cumulative CRCs of fast sync read also cover the previous CRC; the others start at their own packet.
        starts = [0, *ends[:-1]] if fast else [end + 2 - dtype.itemsize for end in ends]
        self._pieces = [buffer[begin:end] for begin, end in zip(starts, ends, strict=True)]
        self._prefixes = [buffer[:end] for end in ends]
        self._group_heads = np.ndarray((count,), "V2", buffer, start, (dtype.itemsize,))  # error and id
        self._good_heads = b"".join(bytes((0, motor)) for motor in ids)
        self.intact: Callable[[int], bool] = self._fast_intact if fast else self._sync_intact
        """Return whether the first `received` bytes of the buffer are exactly one intact reply without stuffing."""
        self.perfect: Callable[[int], bool] = self._fast_perfect if fast else self._sync_perfect
        """Return whether the reply is intact and no motor reports an error."""

    def _fast_perfect(self, received: int) -> bool:
        # Checking only the last CRC is not enough: the last motor computes it over bytes it received, which may already
        # be damaged. Computing every CRC from the first byte is faster than continuing: it needs no Python loop.
        return (
            received == self.reply_bytes
            and self._head_column.tobytes() == self.head
            and self._group_heads.tobytes() == self._good_heads
            and list(map(crc16, self._prefixes)) == self._crcs.tolist()
        )

    def _sync_perfect(self, received: int) -> bool:
        return self._sync_intact(received) and not self.errors.any()

    def _fast_intact(self, received: int) -> bool:
        if received != self.reply_bytes or self._head_column.tobytes() != self.head:
            return False
        if self._id_column is None or self._id_column.tobytes() != self._ids:
            return False
        crc = 0
        for piece, sent in zip(self._pieces, self._crcs.tolist(), strict=True):
            crc = crc16(piece, crc)
            if crc != sent:
                return False
        return True

    def _sync_intact(self, received: int) -> bool:
        if received != self.reply_bytes or self._head_column.tobytes() != self.head:
            return False
        return all(crc16(piece) == sent for piece, sent in zip(self._pieces, self._crcs.tolist(), strict=True))


def _data_dtype(fields: Mapping[str, Register], address: int, length: int) -> np.dtype[np.void]:
    registers = fields.values()
    return np.dtype(
        {
            "names": list(fields),
            "formats": [f"<{'i' if register.signed else 'u'}{register.size}" for register in registers],
            "offsets": [register.address - address for register in registers],
            "itemsize": length,
        }
    )
