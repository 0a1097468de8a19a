"""The client's interface of an emulated line: a bus of motors, or an IMU."""

from typing import Protocol


class Port(Protocol):
    """An adapter with a bus or an IMU. Pure: time is an argument in integer nanoseconds."""

    name: str
    plugged: bool
    """False while the adapter is unplugged."""
    blocked: bool
    """Whether the adapter takes no bytes; they stay in the client's buffer."""
    streams: bool
    """Whether it sends without requests; bytes that no client reads are then lost."""

    @property
    def next_ns(self) -> int:
        """Time of the next event on the wire, ns; call `process` then."""
        ...

    @property
    def delivery_ns(self) -> int:
        """Time at which the adapter delivers the next bytes, ns."""
        ...

    @property
    def instruction_next(self) -> bool:
        """Whether the next event needs up-to-date sensor values: an instruction to motors, or an IMU sample."""
        ...

    def process(self, now_ns: int) -> None:
        """Process the event at `next_ns`; the plant is up to date."""
        ...

    def set_baudrate(self, baudrate: int) -> None:
        """Change the client's baud rate."""
        ...

    def send(self, now_ns: int, data: bytes) -> int:
        """Send the client's bytes; return the end of the last byte, ns."""
        ...

    def take(self, now_ns: int) -> bytes:
        """Return the next bytes that the adapter delivers by `now_ns`; empty if there are none."""
        ...

    def hang_up(self) -> None:
        """Discard bytes on their way to a client that closed the port."""
        ...

    def plug(self, plugged: bool) -> None:
        """Unplug the adapter, or plug it in again."""
        ...
