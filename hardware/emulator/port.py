"""The interface of an emulated line as its client sees it: a bus of motors, or an IMU that sends by itself."""

from typing import Protocol


class Port(Protocol):
    """The adapter and what is behind it. Pure: time is an argument in integer nanoseconds."""

    name: str
    plugged: bool
    """False while the adapter is pulled out."""
    streams: bool
    """Whether it sends unasked, so that what no client reads is lost."""

    @property
    def next_ns(self) -> int:
        """Time of the next thing that happens on the wire; `process` is to be called then."""
        ...

    @property
    def delivery_ns(self) -> int:
        """Time at which the adapter hands over what is next."""
        ...

    @property
    def instruction_next(self) -> bool:
        """Whether the next thing is an instruction to motors, which must see the present before they carry it out."""
        ...

    def process(self, now_ns: int) -> None:
        """Do what happens on the wire at `next_ns`; the world has come that far."""
        ...

    def set_baudrate(self, baudrate: int) -> None:
        """Change the client's baud rate."""
        ...

    def send(self, now_ns: int, data: bytes) -> int:
        """Take bytes that the client sends; return when the last is through."""
        ...

    def take(self, now_ns: int) -> bytes:
        """Return what the adapter has to hand over by now, without waiting; nothing if there is nothing."""
        ...

    def hang_up(self) -> None:
        """Forget what is under way to the client, which has left."""
        ...

    def plug(self, plugged: bool) -> None:
        """Pull the adapter out, or put it in again."""
        ...
