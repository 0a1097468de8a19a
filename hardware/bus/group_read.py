"""One request that all motors of a bus answer: what the benchmark of the emulator times."""

from dataclasses import dataclass


@dataclass(frozen=True)
class GroupRead:
    """The frames of a group read, the same each time."""

    baudrate: int
    """bit/s: the fastest of the protocol."""
    set_up: tuple[bytes, ...]
    """Frames without a reply: no return delay, torque on where the motors stand."""
    request: bytes
    reply_bytes: int
    """Length of the whole reply."""
