"""A transport that asks before each write whether to go on, while motors are opened and switched on."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sim2real.hardware.bus.transport import RequestTransport, Transport

Checkpoint = Callable[[], None]
"""Raises when the work is to end; returns otherwise."""


class CheckedTransport:
    """The transport of one bus, with a checkpoint before each write.

    What the checkpoint raises is raised once; every later write passes, so that the driver can switch torque off. A
    request to stop therefore comes between the frames of one motor, whatever its family does.

    Args:
        transport: An open port. What it has beyond `Transport` is offered, too: its own `request` with the checkpoint,
            the rest as it is.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._checkpoint: Checkpoint | None = None
        if isinstance(transport, RequestTransport):
            inner = transport.request

            def request(frame: bytes, buffer: memoryview, wanted: int, deadline_ns: int, wait_ms: int) -> int:
                self._check()
                return inner(frame, buffer, wanted, deadline_ns, wait_ms)

            self.request = request
        for name in dir(transport):
            if not name.startswith("_") and not hasattr(self, name):
                setattr(self, name, getattr(transport, name))

    @contextmanager
    def checking(self, checkpoint: Checkpoint) -> Iterator[None]:
        """Call the checkpoint before each write in the block."""
        self._checkpoint = checkpoint
        try:
            yield
        finally:
            self._checkpoint = None

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send all bytes, unless the checkpoint raises. Raises PortLostError if the port vanished."""
        self._check()
        self._transport.write(data)

    def read_into(self, buffer: memoryview, deadline_ns: int) -> int:
        """See `Transport.read_into`."""
        return self._transport.read_into(buffer, deadline_ns)

    def drain(self) -> None:
        """See `Transport.drain`."""
        self._transport.drain()

    def set_baudrate(self, baudrate: int) -> None:
        """See `Transport.set_baudrate`."""
        self._transport.set_baudrate(baudrate)

    def close(self) -> None:
        """See `Transport.close`."""
        self._transport.close()

    def _check(self) -> None:
        checkpoint = self._checkpoint
        if checkpoint is not None:
            try:
                checkpoint()
            except BaseException:
                self._checkpoint = None  # torque off must get through
                raise
