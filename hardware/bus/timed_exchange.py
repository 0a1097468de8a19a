"""One request to all motors of a bus and their replies: how long to wait for them, and how old what arrives is."""

from sim2real.hardware.bus.transport import Transport, ask_of, collect_of
from sim2real.hardware.clock import Clock, ns_from_s

_BITS_PER_BYTE = 10  # 8N1
_GAP_S = 0.0001  # upper bound of the gap between two status packets
_NS_PER_MS = 1_000_000


class TimedExchange:
    """The request and the replies of one tick; the base of a family's state reader.

    Attributes:
        asked_ns: Time of the last request, ns.
        arrived_ns: Time stamp of the readings, ns: their arrival, or if that is not known, the time of the request.
    """

    def __init__(
        self, transport: Transport, clock: Clock, reply_bytes: int, motors: int, baudrate: int, margin_s: float
    ) -> None:
        """Prepare; nothing is sent.

        Args:
            transport: The port.
            clock: Its clock.
            reply_bytes: Most bytes that one request and its replies take on the wire.
            motors: Motors that reply.
            baudrate: Of the wire, bit/s.
            margin_s: Longest wait for replies in addition to their time on the wire, s.
        """
        self._transport, self._clock = transport, clock
        self._send, self._receive = ask_of(transport), collect_of(transport)
        wire_s = reply_bytes * _BITS_PER_BYTE / baudrate + _GAP_S * motors
        self._usual_ns, self._wait_ns = ns_from_s(wire_s), ns_from_s(wire_s + margin_s)
        self._deadline_ns = 0
        self.asked_ns = self.arrived_ns = 0

    def _ask(self, request: bytes) -> int:
        """Send a request; return its time, ns. Raises PortLostError."""
        self.asked_ns = asked_ns = self._clock.now_ns()
        self._deadline_ns = asked_ns + self._wait_ns
        self._send(request)
        return asked_ns

    def _collect(self, buffer: memoryview, wanted: int) -> int:
        """Wait for so many bytes of replies, at most to the deadline; return how many came. Raises PortLostError."""
        now_ns, asked_ns, deadline_ns = self._clock.now_ns, self.asked_ns, self._deadline_ns
        begun_ns = now_ns()
        wait_ms = -((begun_ns - deadline_ns) // _NS_PER_MS) if begun_ns < deadline_ns else 0
        received = self._receive(buffer, wanted, deadline_ns, wait_ms)
        # Replies that waited here, while another bus was read or the process was kept from running, are older than the
        # time at which they are fetched.
        arrived_ns = now_ns()
        late = begun_ns - asked_ns > self._usual_ns or arrived_ns > deadline_ns
        self.arrived_ns = asked_ns if late else arrived_ns
        return received
