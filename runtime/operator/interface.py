"""The interface between the loop and the operator's devices."""

from typing import Protocol

from sim2real.hardware.types import Float64Array


class Operator(Protocol):
    """What a person asks for, as the loop sees it once a tick.

    The devices and their I/O are in another process. Nothing here blocks, allocates or raises.

    Attributes:
        values: (C,) targets of the policy's operator commands, SI units, inside their ranges; NaN where none was given.
        alive_ns: Time of the last sign of life from the device, monotonic ns; -1 while none is in use.
        stop: Whether the end of the run was asked for.
        emergency: Whether an emergency stop was asked for, and no reset since.
        resets: How many resets were asked for since the start. A reset after a fault makes the robot LIMP again.
        starts: How many starts were asked for since the start. A start switches torque on in LIMP.
    """

    values: Float64Array
    alive_ns: int
    stop: bool
    emergency: bool
    resets: int
    starts: int

    def poll(self) -> None:
        """Take what has arrived since the last call."""
        ...
