"""The supervisor of a robot: what it does, and how a driver starts one for its ports."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol, runtime_checkable

from sim2real.hardware.bus.transport import Transport
from sim2real.hardware.errors import HardwareError

WATCH_SHARE = 0.75
"""Share of `safety.watchdog` after which it acts: before the motors' own watchdogs, and with the frames on the wire
within the whole of it."""


class Plan(IntEnum):
    """What the supervisor sends when it acts."""

    OFF = 0
    """Torque off: while torque is being switched on or off."""
    DEATH = 1
    """The frames of `safety.on_death`."""


@dataclass(frozen=True)
class Watched:
    """One port, and the frames for its motors."""

    transport: Transport
    off: bytes
    """Torque off."""
    death: bytes
    """The state of `safety.on_death`; empty where the motors are to stay as they are."""


class Supervisor(Protocol):
    """Brings the motors into a safe state unless it is fed."""

    @property
    def tripped(self) -> bool:
        """Whether it has acted; it then does nothing more."""
        ...

    @property
    def alive(self) -> bool:
        """Whether it has shown a sign of life in time. Waits for nothing."""
        ...

    def feed(self) -> None:
        """Restart the time limit."""
        ...

    def plan(self, plan: Plan) -> None:
        """Set what it sends when it acts, and feed it."""
        ...

    def stop(self) -> None:
        """End it without an act. Never raises; a second call does nothing."""
        ...


@runtime_checkable
class Supervised(Protocol):
    """A transport that can be supervised, together with others of its kind."""

    def start_supervisor(self, ports: Sequence[Watched], limit_ns: int) -> Supervisor:
        """Start one supervisor for these ports, which are all of this kind; it acts when not fed for `limit_ns`.

        Raises:
            HardwareError: It does not start.
        """
        ...


def start_supervisor(ports: Sequence[Watched], limit_ns: int) -> Supervisor:
    """Start one supervisor for all ports of a robot.

    Raises:
        HardwareError: It does not start, or a port cannot be supervised.
    """
    first = ports[0].transport
    if not isinstance(first, Supervised) or any(type(port.transport) is not type(first) for port in ports):
        raise HardwareError(
            "these ports do not support a supervisor, so nothing would stop the motors if the program dies"
        )
    return first.start_supervisor(ports, limit_ns)
