"""Reads the state of all motors of a bus with one request, and says which motors answered it.

The protocol has no sequence numbers: the late reply to one request looks like the reply to the next of the same kind.
So what arrived before a request is thrown away, and after every exchange that was not perfect the next one asks for a
block of another length. A late reply then has the wrong length and is counted as unexpected.

Its checksum is one byte, and there is no stuffing. In a stream that is not as expected a packet therefore counts only
if it begins with the very header that was asked for and no such header lies inside it: what is left of a cut-off reply,
completed by the next one, has the right checksum once in 256 times.
"""

from collections.abc import Sequence

import numpy as np

from sim2real.hardware.bus.transport import Transport, request_of
from sim2real.hardware.clock import Clock, ns_from_s
from sim2real.hardware.feetech.frame import BROADCAST, FRAME_BYTES_MAX, Decoder, checksum
from sim2real.hardware.feetech.layout import FIRST, LAST, ReplyLayout
from sim2real.hardware.feetech.tables import MemoryTable
from sim2real.hardware.types import BoolArray, BusCounters

_LENGTHS = 10  # so many exchanges must fail before a length comes again
_BITS_PER_BYTE = 10  # 8N1
_NS_PER_MS = 1_000_000
_GAP_S = 0.0001  # silence between two status packets, generously
_READS_MAX = 1024  # of one exchange: a line that never falls silent must not hold the tick


class StateReader:
    """One sync read each tick.

    Attributes:
        answered: (N,) whether each motor answered the last request.
        layout: Where the readings of those that did are.
        asked_ns: When they were asked. After an exchange that was not perfect the readings are dated to it: waiting
            for those that do not answer does not make the others younger.
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
        self._transport, self._clock, self._counters = transport, clock, counters
        shortest = table[LAST].end - table[FIRST].address
        longest = len(self._ids) * (shortest + _LENGTHS + 6)
        self._buffer = memoryview(bytearray(2 * longest + FRAME_BYTES_MAX))
        self._kept = memoryview(bytearray(longest))
        lengths = range(shortest, shortest + _LENGTHS)
        self._layouts = [ReplyLayout(self._buffer, ids, table, length) for length in lengths]
        self._salvaged = [ReplyLayout(self._kept, ids, table, length) for length in lengths]
        wire_s = 2 * longest * _BITS_PER_BYTE / baudrate + _GAP_S * len(self._ids)
        self._wait_ns = ns_from_s(wire_s + margin_s)
        self._wait_ms = -(-self._wait_ns // _NS_PER_MS)
        self._request = request_of(transport)
        self._variant = 0
        self._suspect = False
        self._decoder = Decoder()
        self._all = np.ones(len(self._ids), np.bool_)
        self._some = np.zeros(len(self._ids), np.bool_)
        self.asked_ns = 0
        self.answered: BoolArray = self._some
        self.layout = self._salvaged[0]

    def read(self) -> bool:
        """Ask all motors for their readings.

        Returns:
            Whether all motors answered; otherwise see `answered`.

        Raises:
            PortLostError: The port vanished.
        """
        if self._suspect:
            self._collect_late()
        layout = self._layouts[self._variant]
        self.asked_ns = asked_ns = self._clock.now_ns()
        deadline_ns = asked_ns + self._wait_ns
        received = self._request(layout.request, self._buffer, layout.reply_bytes, deadline_ns, self._wait_ms)
        if layout.intact(received):
            self.answered, self.layout = self._all, layout
            self._suspect = False
            return True
        self.answered, self.layout = self._some, self._salvaged[self._variant]
        self._salvage(layout, received, deadline_ns)
        self._variant = (self._variant + 1) % _LENGTHS
        self._suspect = True
        return bool(self._some.all())

    def _collect_late(self) -> None:
        """Count what came after the last deadline: it is too late to be used."""
        count = self._transport.read_into(self._buffer, self._clock.now_ns())
        self._counters.unexpected += self._well_formed(count)[0]

    def _salvage(self, layout: ReplyLayout, received: int, deadline_ns: int) -> None:
        """Find the replies in a stream that is not as expected: lost, late or damaged ones."""
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
        """Keep the intact replies among so many bytes; return how many others have come whole, but damaged."""
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
        """Return how many packets of motors are among so many bytes, and how many pieces of others."""
        decoder = self._decoder = Decoder()
        packets = decoder.feed(self._buffer[:count])
        found = sum(packet.id != BROADCAST for packet in packets)  # the request may come back as an echo
        return found, decoder.corrupt + bool(decoder.pending)
