"""The transport interface: moves bytes between a driver and a bus, over serial port, pseudo-terminal or in lockstep."""

from collections.abc import Callable
from functools import partial
from typing import Protocol, runtime_checkable


class Transport(Protocol):
    """A half-duplex byte stream with deadlines on the clock it was made with."""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send all bytes. Raises PortLostError if the port vanished."""
        ...

    def read_into(self, buffer: memoryview, deadline_ns: int) -> int:
        """Wait for bytes until the deadline; return how many were put into the buffer, 0 at the deadline.

        Raises:
            PortLostError: The port vanished.
        """
        ...

    def drain(self) -> None:
        """Throw away what has arrived and was not read. Raises PortLostError if the port vanished."""
        ...

    def set_baudrate(self, baudrate: int) -> None:
        """Change the speed of the line. Raises PortLostError if the port vanished."""
        ...

    def close(self) -> None:
        """Release the port. Never raises; closing twice does nothing."""
        ...


Request = Callable[[bytes, memoryview, int, int, int], int]
"""`request` of a transport: frame, buffer, bytes wanted, deadline in ns, and the wait until then in ms, rounded up."""


@runtime_checkable
class RequestTransport(Transport, Protocol):
    """A transport with a cheaper way of its own to send a request and wait for the reply."""

    def request(self, frame: bytes, buffer: memoryview, wanted: int, deadline_ns: int, wait_ms: int) -> int:
        """Do what `request` below does."""
        ...


def request_of(transport: Transport) -> Request:
    """Return the transport's own way to send a request, or that of every transport."""
    return transport.request if isinstance(transport, RequestTransport) else partial(request, transport)


def request(transport: Transport, frame: bytes, buffer: memoryview, wanted: int, deadline_ns: int, wait_ms: int) -> int:
    """Throw away what has arrived, send a request, and wait until so many bytes came or the deadline passes.

    Returns:
        How many bytes were put into the buffer; it may be more than were wanted.

    Raises:
        PortLostError: The port vanished.
    """
    transport.drain()
    transport.write(frame)
    received = 0
    while received < wanted:
        count = transport.read_into(buffer[received:], deadline_ns)
        received += count
        if count == 0:
            break
    return received
