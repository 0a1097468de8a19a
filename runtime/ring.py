"""The ring between the loop, which fills it, and the thread that writes the log."""

from operator import attrgetter
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from sim2real.runtime.contract.spec import Contract
from sim2real.runtime.record import TickRecord
from sim2real.runtime.tick_fields import logged_fields, row_dtype

_CAPACITY: Final = 4096  # ticks: 40 s at 100 Hz, longer than a disk stalls

Column = npt.NDArray[Any]


class Ring:
    """Ticks between one writer and one reader; fixed memory. When it is full new ticks are dropped, and counted.

    Args:
        contract: Gives the fields and their sizes.
        capacity: Ticks.
    """

    def __init__(self, contract: Contract, capacity: int = _CAPACITY) -> None:
        self._rows = np.zeros(capacity, row_dtype(contract))
        self._columns: dict[str, Column] = {name: self._rows[name] for name in self._rows.dtype.names or ()}
        fields = logged_fields(contract)
        self._numbers = [(self._columns[field.name], field.source) for field in fields if field.axis == "tick"]
        self._sources = [
            (self._columns[field.name], attrgetter(field.source)) for field in fields if field.axis != "tick"
        ]
        self._arrays: list[tuple[Column, Column]] = []
        self._record: TickRecord | None = None
        self._capacity = capacity
        # Each is written by one side only, so no lock is needed: the reader never sees a row before it is whole.
        self._written = 0
        self._read = 0
        self.dropped = 0
        """Ticks that found it full."""

    def __len__(self) -> int:
        return self._written - self._read

    def push(self, record: TickRecord) -> None:
        """Copy one tick into the ring. Allocates nothing, as long as it is the same record every time."""
        if self._written - self._read >= self._capacity:
            self.dropped += 1
            return
        if record is not self._record:
            # A record keeps its arrays: they are looked up once, not in every tick.
            self._record, self._arrays = record, [(column, source(record)) for column, source in self._sources]
        at = self._written % self._capacity
        for column, name in self._numbers:
            column[at] = getattr(record, name)
        for column, array in self._arrays:
            column[at] = array
        self._written += 1

    def pop(self) -> dict[str, Any] | None:
        """Take the oldest tick as plain data by field; None when there is none."""
        if self._read == self._written:
            return None
        row = self._rows[self._read % self._capacity]
        tick = {name: row[name].tolist() for name in self._columns}
        self._read += 1
        return tick
