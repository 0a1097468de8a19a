"""The transport interface: moves bytes between driver and bus, by serial port, by pseudo-terminal or in lockstep."""

from collections.abc import Callable
from functools import partial
from typing import Protocol, runtime_checkable


class Transport(Protocol):
    """A half-duplex byte stream; deadlines refer to the clock it was made with."""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send all bytes. Raises PortLostError if the port vanished."""
        ...

    def read_into(self, buffer: memoryview, deadline_ns: int) -> int:
        """Wait for bytes until the deadline; return the number written to the buffer, 0 at the deadline.

        Raises:
            PortLostError: The port vanished.
        """
        ...

    def drain(self) -> None:
        """Discard received bytes that were not read. Raises PortLostError if the port vanished."""
        ...

    def set_baudrate(self, baudrate: int) -> None:
        """Change the baud rate of the line. Raises PortLostError if the port vanished."""
        ...

    def close(self) -> None:
        """Release the port. Never raises; a second call does nothing."""
        ...


Request = Callable[[bytes, memoryview, int, int, int], int]
"""`request` of a transport: frame, buffer, bytes wanted, deadline in ns, wait until the deadline in ms, rounded up."""


@runtime_checkable
class RequestTransport(Transport, Protocol):
    """A transport with its own, faster `request`."""

    def request(self, frame: bytes, buffer: memoryview, wanted: int, deadline_ns: int, wait_ms: int) -> int:
        """Do the same as the function `request`."""
        ...


def request_of(transport: Transport) -> Request:
    """Return the transport's own `request`; the generic one if it has none."""
    return transport.request if isinstance(transport, RequestTransport) else partial(request, transport)


def request(transport: Transport, frame: bytes, buffer: memoryview, wanted: int, deadline_ns: int, wait_ms: int) -> int:
    """Discard received bytes, send a request, and wait until `wanted` bytes have arrived or the deadline passes.

    Returns:
        Number of bytes written to the buffer; may be more than `wanted`.

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
