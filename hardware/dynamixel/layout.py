"""A sync or fast sync read of one block of all motors: the request, and the position of each value in the reply."""

import struct
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
from fastcrc.crc16 import umts as crc16

from sim2real.hardware.dynamixel.frame import BROADCAST, HEADER, Instruction, encode
from sim2real.hardware.dynamixel.registers import Register

# Header, id, LEN and instruction: of each status packet, with error, data and CRC after it; or of the one fast status
# packet, with error, id, data and CRC of each motor after it.
_HEAD = 8


class ReplyLayout:
    """The fixed layout of an intact reply without stuffing, as views of a receive buffer: memory that is never resized.

    Attributes:
        request: The request frame.
        reply_bytes: Length of the whole reply, bytes.
        length: Data bytes per motor.
        head: First bytes of the reply.
        columns: (N,) views of the memory, one for each named register, as sent.
        errors: (N,) view of the error bytes.
    """

    def __init__(
        self, memory: bytearray, ids: Sequence[int], fields: Mapping[str, Register], length: int, fast: bool
    ) -> None:
        """Lay out a block.

        Args:
            memory: Receive buffer; longer than a reply.
            ids: Motor ids, in reply order.
            fields: Registers of the block, by their names in `columns`; the block starts at the first one.
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
        size = 1 + count * (4 + length) if fast else 4 + length
        tail = bytes((size & 0xFF, size >> 8, Instruction.STATUS))
        self.head = HEADER + bytes((BROADCAST if fast else ids[0],)) + tail
        around = [("error", "u1"), ("id", "u1")] if fast else [("head", f"V{_HEAD}"), ("error", "u1")]
        dtype = np.dtype([*around, ("data", self.data_dtype), ("crc", "<u2")])
        start, stride = (_HEAD if fast else 0), dtype.itemsize
        self.reply_bytes = start + count * stride
        reply = np.frombuffer(memory, dtype, count, offset=start)
        self.errors: npt.NDArray[np.uint8] = reply["error"]
        self.columns: dict[str, npt.NDArray[np.integer[npt.NBitBase]]] = {name: reply["data"][name] for name in fields}
        # Plain bytes instead of numpy: a check comes right after a wait, when whatever it touches has left the caches.
        self._memory = memory
        if fast:
            self._fixed = [(slice(0, _HEAD), self.head), (slice(start + 1, self.reply_bytes, stride), bytes(ids))]
        else:
            heads = [HEADER + bytes((motor,)) + tail for motor in ids]
            columns = enumerate(zip(*heads, strict=True))
            self._fixed = [(slice(at, self.reply_bytes, stride), bytes(column)) for at, column in columns]
        self._error_bytes = slice(start + (0 if fast else _HEAD), self.reply_bytes, stride)
        self._no_errors = bytes(count)
        # Each CRC of fast sync read covers everything before it, those of sync read their own packet. Checking only the
        # last one is not enough: the last motor computes it over bytes it received, which may already be damaged.
        # Computing every CRC from the first byte is faster than continuing: it needs no Python loop.
        buffer, ends = memoryview(memory), [start + (index + 1) * stride - 2 for index in range(count)]
        self._covered = [buffer[0 if fast else end + 2 - stride : end] for end in ends]
        self._crcs = struct.Struct("<" + f"{start}x" + f"{stride - 2}xH" * count).unpack_from

    def intact(self, received: int) -> bool:
        """Return whether the first `received` bytes of the memory are exactly one intact reply without stuffing."""
        if received != self.reply_bytes:
            return False
        memory = self._memory
        for place, expected in self._fixed:
            if memory[place] != expected:
                return False
        return (*map(crc16, self._covered),) == self._crcs(memory)

    def faultless(self) -> bool:
        """Return whether no motor reports an error in an intact reply."""
        return self._memory[self._error_bytes] == self._no_errors


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
