"""The ring of ticks in shared memory: the loop writes, other processes read.

The writer never waits, locks or allocates: it copies one row and moves on, over the oldest row when the ring is full.
Each reader has its own place, and counts the rows that it was too slow for. A row has its number and a checksum, so a
row that is being overwritten while it is read is never taken for one. The checksum also makes the order in which the
two processors see each other's stores irrelevant.

A reader needs the file descriptor alone: the memory begins with the layout of the rows. It imports NumPy and nothing of
the policy.
"""

import fcntl
import mmap
import os
from typing import Final
from zlib import crc32

import numpy as np

from sim2real.runtime.row_layout import RowLayout

CAPACITY: Final = 4096
"""Rows: 40 s at 100 Hz, longer than a disk stalls."""

_MAGIC: Final = 0x32474E4952533253  # "S2SRING2"
_MAGIC_AT, _CAPACITY_AT, _STRIDE_AT, _ROWS_AT, _TEXT_AT, _WRITTEN_AT, _ENDED_AT = range(7)  # words of the header
_WORD: Final = 8
_HEADER: Final = 64 * _WORD
_PREFIX: Final = 2 * _WORD  # of a row: its number, its checksum
_SEALS: Final = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW  # a file that shrinks would kill whoever reads it
_TRIES: Final = 3  # a row is written in microseconds


class SharedRing:
    """The writer's side of a ring in anonymous shared memory.

    Args:
        layout: Of the rows.
        capacity: Rows.
    """

    def __init__(self, layout: RowLayout, capacity: int = CAPACITY) -> None:
        text = layout.to_text().encode()
        self._size = layout.dtype.itemsize
        stride = _rounded(_PREFIX + self._size)
        rows = _HEADER + _rounded(len(text))
        size = rows + capacity * stride
        writable = os.memfd_create("sim2real-ring", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        try:
            os.posix_fallocate(writable, 0, size)  # memory that is not there is missed now, not in a tick
            fcntl.fcntl(writable, fcntl.F_ADD_SEALS, _SEALS)
            self.fd = os.open(f"/proc/self/fd/{writable}", os.O_RDONLY | os.O_CLOEXEC)
            """For readers, who cannot write with it."""
            self._memory = mmap.mmap(writable, size, mmap.MAP_SHARED | mmap.MAP_POPULATE)
        finally:
            os.close(writable)
        self._memory[_HEADER : _HEADER + len(text)] = text
        self._words = memoryview(self._memory).cast("q")
        for place, value in ((_CAPACITY_AT, capacity), (_STRIDE_AT, stride), (_ROWS_AT, rows), (_TEXT_AT, len(text))):
            self._words[place] = value
        for number in range(capacity):
            self._words[(rows + number * stride) // _WORD] = -1
        self._words[_MAGIC_AT] = _MAGIC
        self._capacity, self._stride, self._rows = capacity, stride, rows
        self._written = 0

    @property
    def written(self) -> int:
        """Rows written so far."""
        return self._written

    def push(self, row: bytearray) -> None:
        """Copy one row into the ring."""
        number = self._written
        at = self._rows + number % self._capacity * self._stride
        start = at + _PREFIX
        self._memory[start : start + self._size] = row
        word = at // _WORD
        self._words[word] = number
        self._words[word + 1] = crc32(row, number & 0xFFFFFFFF)
        self._written = number + 1
        self._words[_WRITTEN_AT] = number + 1

    def end(self) -> None:
        """Tell the readers that no row follows."""
        self._words[_ENDED_AT] = 1

    def close(self) -> None:
        """Free the memory on this side; readers keep theirs. Closing twice does nothing."""
        if self.fd < 0:
            return
        self.end()
        self._words.release()
        self._memory.close()
        os.close(self.fd)
        self.fd = -1


class RingReader:
    """A reader of a ring, in any process.

    Args:
        fd: `SharedRing.fd`, inherited or received; the reader keeps no copy of it.

    Raises:
        ValueError: It is no ring.
    """

    def __init__(self, fd: int) -> None:
        self._memory = mmap.mmap(fd, 0, mmap.MAP_SHARED, mmap.PROT_READ)
        self._words = words = memoryview(self._memory).cast("q")
        if len(words) < _HEADER // _WORD or words[_MAGIC_AT] != _MAGIC:
            raise ValueError("not a ring of ticks")
        self._capacity, self._stride, self._rows = words[_CAPACITY_AT], words[_STRIDE_AT], words[_ROWS_AT]
        self.layout = RowLayout.of_text(bytes(self._memory[_HEADER : _HEADER + words[_TEXT_AT]]).decode())
        """Of the rows."""
        self.next = 0
        """Number of the row that `pop` takes next."""
        self.lost = 0
        """Rows that were overwritten before this reader took them."""
        self._failed = 0

    @property
    def written(self) -> int:
        """Rows that the writer has finished."""
        return int(self._words[_WRITTEN_AT])

    @property
    def ended(self) -> bool:
        """Whether the writer has said that no row follows. A writer that was killed has not."""
        return bool(self._words[_ENDED_AT])

    def pop(self) -> np.void | None:
        """Take the oldest row that is left; None when there is none. It is a copy."""
        while self.next < (written := self.written):
            oldest = written - self._capacity
            if self.next < oldest:
                self.lost += oldest - self.next
                self.next = oldest
            row = self._read(self.next)
            if row is not None:
                self._failed = 0
                self.next += 1
                return row
            if self.written - self.next < self._capacity and self._failed < _TRIES:
                self._failed += 1
                return None  # not overwritten, so not yet wholly visible here: the next call finds it
            self._failed = 0
            self.lost += 1
            self.next += 1
        return None

    def latest(self) -> np.void | None:
        """Return the newest row, wherever `pop` is; None before the first. It is a copy."""
        for _ in range(_TRIES):
            written = self.written
            if written and (row := self._read(written - 1)) is not None:
                return row
        return None

    def close(self) -> None:
        """Free the memory on this side; rows that were taken stay."""
        self._words.release()
        self._memory.close()

    def _read(self, number: int) -> np.void | None:
        at = self._rows + number % self._capacity * self._stride
        word = at // _WORD
        if self._words[word] != number:
            return None
        checksum = self._words[word + 1]
        row = self._memory[at + _PREFIX : at + _PREFIX + self.layout.dtype.itemsize]
        if crc32(row, number & 0xFFFFFFFF) != checksum:
            return None
        taken: np.void = np.frombuffer(row, self.layout.dtype)[0]
        return taken


def _rounded(size: int) -> int:
    """Return a size rounded up to whole words."""
    return -(-size // _WORD) * _WORD
