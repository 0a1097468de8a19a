"""Reads the state of all motors of a bus with one request, and tells which motors answered.

The protocol has no sequence numbers, so a late reply looks like the reply to the next request of the same kind. Bytes
that arrived before a request are therefore discarded, and after an imperfect exchange the next request reads a block of
another length. A late reply then has the wrong length and is counted as unexpected.

The checksum is one byte, and there is no byte stuffing. In an imperfect exchange, a packet is therefore accepted only
if it starts with exactly the expected header and contains no expected header: the rest of a cut-off reply, completed by
the next reply, has the right checksum once in 256 times.
"""

from collections.abc import Sequence

import numpy as np

from sim2real.hardware.bus.timed_exchange import TimedExchange
from sim2real.hardware.bus.transport import Transport
from sim2real.hardware.clock import Clock
from sim2real.hardware.feetech.frame import BROADCAST, FRAME_BYTES_MAX, Decoder, checksum
from sim2real.hardware.feetech.layout import FIRST, FULL_FIRST, LAST, ReplyLayout
from sim2real.hardware.feetech.tables import MemoryTable
from sim2real.hardware.types import BoolArray, BusCounters

_LENGTHS = 10  # a length is reused only after this many failed exchanges
_READS_MAX = 1024  # per exchange: a line that never goes quiet must not block the tick


class StateReader(TimedExchange):
    """One sync read per tick.

    Attributes:
        answered: (N,) whether each motor answered the last request.
        layout: Gives the readings of the motors that answered.
    """

    def __init__(
        self,
        ids: Sequence[int],
        table: MemoryTable,
        transport: Transport,
        clock: Clock,
        baudrate: int,
        margin_s: float,
        counters: BusCounters,
    ) -> None:
        self._ids = tuple(ids)
        self._counters = counters
        shortest = table[LAST].end - table[FIRST].address
        full = table[LAST].end - table[FULL_FIRST].address
        longest = len(self._ids) * (max(full, shortest + _LENGTHS) + 6)
        super().__init__(transport, clock, 2 * longest, len(self._ids), baudrate, margin_s)
        self._buffer = memoryview(bytearray(2 * longest + FRAME_BYTES_MAX))
        self._kept = memoryview(bytearray(longest))
        lengths = range(shortest, shortest + _LENGTHS)
        self._layouts = [ReplyLayout(self._buffer, ids, table, length) for length in lengths]
        self._salvaged = [ReplyLayout(self._kept, ids, table, length) for length in lengths]
        self._full = ReplyLayout(self._buffer, ids, table, full, FULL_FIRST)
        self._full_salvaged = ReplyLayout(self._kept, ids, table, full, FULL_FIRST)
        self._asked = self._layouts[0]
        self._kept_layout = self._salvaged[0]
        self._variant = 0
        self._suspect = False
        self._decoder = Decoder()
        self._all = np.ones(len(self._ids), np.bool_)
        self._some = np.zeros(len(self._ids), np.bool_)
        self.answered: BoolArray = self._some
        self.layout = self._salvaged[0]

    def read(self, full: bool = False) -> bool:
        """Ask, and collect the replies. Raises PortLostError."""
        self.ask(full)
        return self.collect()

    def ask(self, full: bool = False) -> None:
        """Ask all motors for their readings; with `full` also for the registers that a restart resets.

        Raises:
            PortLostError: The port vanished.
        """
        if self._suspect:
            self._collect_late()
        if full:
            self._asked, self._kept_layout = self._full, self._full_salvaged
        else:
            self._asked, self._kept_layout = self._layouts[self._variant], self._salvaged[self._variant]
        self._ask(self._asked.request)

    def collect(self) -> bool:
        """Collect the replies to `ask`.

        Returns:
            True if all motors answered; otherwise see `answered`.

        Raises:
            PortLostError: The port vanished.
        """
        layout = self._asked
        received = self._collect(self._buffer, layout.reply_bytes)
        if layout.intact(received):
            self.answered, self.layout = self._all, layout
            self._suspect = False
            return True
        self.arrived_ns = self.asked_ns  # the wait for missing replies must not make the others look newer
        self.answered, self.layout = self._some, self._kept_layout
        self._salvage(layout, received, self._deadline_ns)
        self._variant = (self._variant + 1) % _LENGTHS
        self._suspect = True
        return bool(self._some.all())

    def _collect_late(self) -> None:
        """Count replies that arrived after the last deadline; they are too late to be used."""
        count = self._transport.read_into(self._buffer, self._clock.now_ns())
        self._counters.unexpected += self._well_formed(count)[0]

    def _salvage(self, layout: ReplyLayout, received: int, deadline_ns: int) -> None:
        """Find the usable replies when some are lost, late or damaged."""
        self._some[:] = False
        for _ in range(_READS_MAX):
            damaged = self._take(layout, received)
            complete = int(self._some.sum()) + damaged >= len(self._ids)
            if complete or received == len(self._buffer) or self._clock.now_ns() >= deadline_ns:
                break
            count = self._transport.read_into(self._buffer[received:], deadline_ns)
            if count == 0:
                break
            received += count
        answered = int(self._some.sum())
        missing = len(self._ids) - answered
        found, broken = self._well_formed(received)
        self._counters.unexpected += max(0, found - answered)
        corrupt = min(missing, broken)
        self._counters.corrupt += corrupt
        self._counters.timeouts += missing - corrupt

    def _take(self, layout: ReplyLayout, received: int) -> int:
        """Store the intact replies in the first `received` bytes; return the number of complete but damaged ones."""
        data = bytes(self._buffer[:received])
        places = [data.find(head) for head in layout.heads]
        starts = sorted(place for place in places if place >= 0)
        damaged = 0
        for index, place in enumerate(places):
            end = place + layout.stride
            if place < 0 or end > received:
                continue
            alone = not any(place < start < end for start in starts)
            if alone and checksum(data[place + 2 : end - 1]) == data[end - 1]:
                self._some[index] = True
                self._kept[index * layout.stride : (index + 1) * layout.stride] = data[place:end]
            else:
                damaged += 1
        return damaged

    def _well_formed(self, count: int) -> tuple[int, int]:
        """Return the number of packets from motors in the first `count` bytes, and the number of damaged ones."""
        decoder = self._decoder = Decoder()
        packets = decoder.feed(self._buffer[:count])
        found = sum(packet.id != BROADCAST for packet in packets)  # not an echo of the request
        return found, decoder.corrupt + bool(decoder.pending)
