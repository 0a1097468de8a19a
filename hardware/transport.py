"""What moves bytes between a driver and a bus: the interface of serial ports, pseudo-terminals and lockstep."""

from typing import Protocol


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
