"""A request that all motors of a bus answer; the emulator's benchmark times it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class GroupRead:
    """The fixed frames of a group read."""

    baudrate: int
    """Highest baud rate of the protocol, bit/s."""
    set_up: tuple[bytes, ...]
    """Frames sent first, which get no reply: set the return delay to 0 and switch torque on at the present position."""
    request: bytes
    """Frame of the request."""
    reply_bytes: int
    """Length of all replies together, bytes."""
