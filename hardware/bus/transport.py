"""The transport interface: moves bytes between driver and bus, by serial port, by pseudo-terminal or in lockstep."""

from collections.abc import Callable
from functools import partial
from typing import Protocol, runtime_checkable

from sim2real.hardware.errors import PortLostError


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


@runtime_checkable
class UnblockedTransport(Transport, Protocol):
    """A transport whose `write` may have to wait, and that can also send without waiting."""

    def write_now(self, data: bytes) -> bool:
        """Send what can be sent without waiting; return whether that was all. Discards what was waiting before it.

        Raises:
            PortLostError: The port vanished.
        """
        ...


@runtime_checkable
class ReopeningTransport(Transport, Protocol):
    """A transport that can open its port again after the port has vanished."""

    def reopen(self) -> None:
        """Open the port again if it is back. Raises PortLostError if it is not."""
        ...


@runtime_checkable
class NamedTransport(Transport, Protocol):
    """A transport of a device file."""

    @property
    def path(self) -> str:
        """Device path."""
        ...


@runtime_checkable
class RequestTransport(Transport, Protocol):
    """A transport with its own, faster `ask` and `collect`."""

    def ask(self, frame: bytes) -> None:
        """Do the same as the function `ask`."""
        ...

    def collect(self, buffer: memoryview, wanted: int, deadline_ns: int, wait_ms: int) -> int:
        """Do the same as the function `collect`."""
        ...


Ask = Callable[[bytes], None]
"""`ask` of a transport: frame."""
Collect = Callable[[memoryview, int, int, int], int]
"""`collect` of a transport: buffer, bytes wanted, deadline in ns, longest wait in ms, rounded up."""


def ask_of(transport: Transport) -> Ask:
    """Return the transport's own `ask`; the generic one if it has none."""
    return transport.ask if isinstance(transport, RequestTransport) else partial(ask, transport)


def collect_of(transport: Transport) -> Collect:
    """Return the transport's own `collect`; the generic one if it has none."""
    return transport.collect if isinstance(transport, RequestTransport) else partial(collect, transport)


def ask(transport: Transport, frame: bytes) -> None:
    """Discard received bytes and send a request. Raises PortLostError."""
    transport.drain()
    transport.write(frame)


def collect(transport: Transport, buffer: memoryview, wanted: int, deadline_ns: int, wait_ms: int) -> int:
    """Wait until `wanted` bytes have arrived since `ask`, or the deadline passes.

    Returns:
        Number of bytes written to the buffer; may be more than `wanted`.

    Raises:
        PortLostError: The port vanished.
    """
    received = 0
    while received < wanted:
        count = transport.read_into(buffer[received:], deadline_ns)
        received += count
        if count == 0:
            break
    return received


def write_now(transport: Transport, data: bytes) -> bool:
    """Send without waiting; return whether all bytes left, False also if the port vanished.

    A transport without a `write_now` of its own is taken not to block.
    """
    try:
        if isinstance(transport, UnblockedTransport):
            return transport.write_now(data)
        transport.write(data)
    except PortLostError:
        return False
    return True


def reopen(transport: Transport) -> bool:
    """Open a vanished port again if it is back; return whether it is open."""
    if not isinstance(transport, ReopeningTransport):
        return True  # it may work again by itself
    try:
        transport.reopen()
    except PortLostError:
        return False
    return True


def path_of(transport: Transport) -> str:
    """Return the device path, for a command line in a message; PORT if there is none."""
    return transport.path if isinstance(transport, NamedTransport) else "PORT"
