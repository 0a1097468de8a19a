"""One request to one motor and its reply, with bounded waits and retries: for set-up, not for the tick."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import ClassVar, Generic

from sim2real.hardware.bus.framing import PacketT, StreamDecoder
from sim2real.hardware.bus.transport import Transport
from sim2real.hardware.clock import Clock, ns_from_s
from sim2real.hardware.types import BusCounters

TRIES = 5
"""A frame lost to noise is asked for again. Where one in five is lost, all five are lost once in 3000 times."""

MARGIN_S = 0.025
"""Wait beyond the time on the wire: 16 ms latency timer of an FTDI adapter as shipped, EEPROM writes, scheduling."""

BITS_PER_BYTE = 10
"""Of a UART: 8N1."""

_READS_MAX = 4096  # of one wait: a line that never falls silent must not hold the caller


@dataclass
class RequestLine(ABC, Generic[PacketT]):
    """A half-duplex bus on which one motor at a time is asked."""

    STATUS_BYTES: ClassVar[int]
    """A reply without parameters."""

    transport: Transport
    clock: Clock
    baudrate: int
    counters: BusCounters = field(default_factory=BusCounters)
    margin_s: float = MARGIN_S

    def __post_init__(self) -> None:
        self._decoder = self._make_decoder()
        self._buffer = memoryview(bytearray(2 * self._decoder.FRAME_BYTES_MAX))

    @abstractmethod
    def _make_decoder(self) -> StreamDecoder[PacketT]:
        """Return what finds the family's packets."""

    def _is_foreign(self, packet: PacketT) -> bool:
        """Return whether a packet that is neither the reply nor an announced echo has no business on the line."""
        return True

    def set_baudrate(self, baudrate: int) -> None:
        """Change the speed of the line. Raises PortLostError."""
        self.transport.set_baudrate(baudrate)
        self.baudrate = baudrate

    def send(self, frame: bytes) -> None:
        """Send a frame that gets no reply. Raises PortLostError."""
        self.transport.write(frame)

    def _ask(
        self, frame: bytes, reply_bytes: int, answers: Callable[[PacketT], bool], echo: PacketT | None = None
    ) -> PacketT | None:
        """Send a request once and return its reply, None if none came.

        Args:
            frame: The request.
            reply_bytes: Parameters of the reply.
            answers: Whether a packet is the reply.
            echo: What the request looks like when an adapter sends it back; that is once.

        Raises:
            PortLostError: The port vanished.
        """
        wire_s = (len(frame) + 2 * (self.STATUS_BYTES + reply_bytes)) * BITS_PER_BYTE / self.baudrate
        corrupt = self._decoder.corrupt
        found: PacketT | None = None
        for packets in self._asked(frame, wire_s + self.margin_s):
            for packet in packets:
                if packet == echo:
                    echo = None
                elif found is None and answers(packet):
                    found = packet
                elif self._is_foreign(packet):
                    self.counters.unexpected += 1
            if found is not None:
                break
        self.counters.corrupt += self._decoder.corrupt - corrupt
        if found is None:
            self.counters.timeouts += 1
        return found

    def _asked(self, frame: bytes, wait_s: float) -> Iterator[list[PacketT]]:
        """Send a request and yield the packets that each piece of what arrives completes, until the wait is over."""
        self.transport.drain()
        self._decoder.reset()
        self.transport.write(frame)
        deadline_ns = self.clock.now_ns() + ns_from_s(wait_s)
        for _ in range(_READS_MAX):
            count = self.transport.read_into(self._buffer, deadline_ns)
            if count == 0:
                return
            yield self._decoder.feed(self._buffer[:count])
            if self.clock.now_ns() >= deadline_ns:
                return
