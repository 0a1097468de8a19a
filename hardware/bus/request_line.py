"""Single requests to one motor with bounded waits and retries; for set-up, not for the tick."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import ClassVar, Generic, Self

from sim2real.hardware.bus.framing import PacketT, StreamDecoder
from sim2real.hardware.bus.transport import Transport
from sim2real.hardware.clock import Clock, ns_from_s
from sim2real.hardware.interface import Between, nothing
from sim2real.hardware.types import BusCounters

TRIES = 7
"""Tries of one request. If noise destroys one frame in five, all seven tries fail once in 80 000 times."""

MARGIN_S = 0.025
"""Wait in addition to the time on the wire: FTDI's default latency timer of 16 ms, EEPROM writes, scheduling."""

BITS_PER_BYTE = 10
"""Bits per byte of a UART with 8N1."""

_PROBES_MAX = 3  # per try of a request

_READS_MAX = 4096  # per wait: a line that never goes quiet must not block the caller


@dataclass
class RequestLine(ABC, Generic[PacketT]):
    """A half-duplex bus with one request to one motor at a time."""

    STATUS_BYTES: ClassVar[int]
    """Size of a reply without parameters, bytes."""

    transport: Transport
    clock: Clock
    baudrate: int
    counters: BusCounters = field(default_factory=BusCounters)
    margin_s: float = MARGIN_S

    def __post_init__(self) -> None:
        self.between: Between = nothing
        """Called before each request; what it raises ends the step."""
        self.garbled = 0
        """Number of latest tries in a row that brought only damaged bytes."""
        self._heard: set[int] = set()  # motors that have replied
        self._behind: set[int] = set()  # of these, those with a reply that may still come
        self._probes = 0
        self._decoder = self._make_decoder()
        self._buffer = memoryview(bytearray(2 * self._decoder.FRAME_BYTES_MAX))

    @abstractmethod
    def _make_decoder(self) -> StreamDecoder[PacketT]:
        """Return the decoder of the family's packets."""

    def _is_foreign(self, packet: PacketT) -> bool:
        """Return whether to count a packet that is neither the reply nor the expected echo as unexpected."""
        return True

    def set_baudrate(self, baudrate: int) -> None:
        """Change the baud rate of the line. Raises PortLostError."""
        self.transport.set_baudrate(baudrate)
        self.baudrate = baudrate
        self._heard.clear()
        self._behind.clear()

    def share(self, other: Self) -> Self:
        """Know of the late replies of another client on the same port, and let it know; return this client."""
        self._heard, self._behind = other._heard, other._behind
        return self

    def send(self, frame: bytes) -> None:
        """Send a frame that gets no reply. Raises PortLostError."""
        self.transport.write(frame)

    def _probe(self, motor: int, number: int) -> bool:
        """Ask a motor for a block of a size that nothing else asks for; return whether it came. Raises PortLostError.

        Args:
            motor: Id.
            number: Number of the probe; consecutive ones ask for different sizes.
        """
        return True

    def _caught_up(self, motor: int, tries: int) -> bool:
        """Return whether no late reply of a motor can be taken for the next one. Raises PortLostError.

        Replies do not tell what they reply to. After one has not come in time, it may come during the next request, and
        another register's value would be taken for the one that was asked for. A motor replies in order: once it has
        sent a block of an unusual size, nothing earlier is on its way.
        """
        for _ in range(min(tries, _PROBES_MAX)):  # in a tick there is time for one
            if motor not in self._behind:
                return True
            self._probes += 1
            if self._probe(motor, self._probes):
                self._behind.discard(motor)
        return motor not in self._behind

    def _note(self, motor: int, replied: bool) -> None:
        """Note whether the reply of a motor came in time."""
        if replied:
            self._heard.add(motor)
        elif motor in self._heard:
            self._behind.add(motor)

    def _request(
        self, frame: bytes, reply_bytes: int, is_reply: Callable[[PacketT], bool], echo: PacketT | None = None
    ) -> PacketT | None:
        """Send a request once and return its reply; None if none arrived.

        Args:
            frame: The request.
            reply_bytes: Size of the reply's parameters, bytes.
            is_reply: Returns whether a packet is the reply.
            echo: The request as a packet, for adapters that echo it once.

        Raises:
            PortLostError: The port vanished.
        """
        self.between()
        wire_s = (len(frame) + 2 * (self.STATUS_BYTES + reply_bytes)) * BITS_PER_BYTE / self.baudrate
        corrupt, discarded = self._decoder.corrupt, self._decoder.discarded
        found: PacketT | None = None
        for packets in self._received(frame, wire_s + self.margin_s):
            for packet in packets:
                if packet == echo:
                    echo = None
                elif found is None and is_reply(packet):
                    found = packet
                elif self._is_foreign(packet):
                    self.counters.unexpected += 1
            if found is not None:
                break
        self.counters.corrupt += self._decoder.corrupt - corrupt
        if found is None:
            self.counters.timeouts += 1
        heard = self._decoder.corrupt > corrupt or self._decoder.discarded > discarded or self._decoder.pending > 0
        self.garbled = self.garbled + 1 if heard and found is None else 0
        return found

    def _received(self, frame: bytes, wait_s: float) -> Iterator[list[PacketT]]:
        """Send a request; yield the packets that each received chunk completes, until the wait is over."""
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
