"""Discovery: checks that every configured motor answers at the configured baud rate."""

from collections.abc import Iterable, Sequence
from typing import Protocol, TypeVar

from sim2real.hardware.bus.shared_id import shared_id
from sim2real.hardware.errors import HardwareError


class ExpectedMotor(Protocol):
    """A configured motor of the bus."""

    @property
    def id(self) -> int:
        """Id on the bus."""

    @property
    def joint(self) -> str:
        """Name of its joint."""


class Line(Protocol):
    """The serial line of the bus."""

    @property
    def baudrate(self) -> int:
        """Baud rate, bit/s."""

    def several(self) -> bool:
        """Return whether the damaged bytes after the last request come from several motors. Raises PortLostError."""

    def set_baudrate(self, baudrate: int) -> None:
        """Change the baud rate. Raises PortLostError."""


IdentityT_co = TypeVar("IdentityT_co", covariant=True)


class Ping(Protocol[IdentityT_co]):
    """Asks for the identity of one motor."""

    def __call__(self, motor: int, tries: int = ..., /) -> IdentityT_co | None:
        """Return the identity of the motor with this id; None if none answers. Raises PortLostError."""


def find_motors(
    motors: Sequence[ExpectedMotor], ping: Ping[IdentityT_co], line: Line, baudrates: Iterable[int]
) -> list[IdentityT_co]:
    """Ping every motor; return their identities in order.

    Args:
        motors: The configured motors.
        ping: Asks for the identity of one motor.
        line: The serial line of the bus.
        baudrates: Baud rates of the family; a missing motor is searched for at these.

    Raises:
        HardwareError: Motors are missing; lists their ids, and the baud rate at which the first one answers.
        PortLostError: The port vanished.
    """
    answers = []
    for motor in motors:
        answers.append(ping(motor.id))
        if answers[-1] is None and line.several():
            raise HardwareError(f"joint {motor.joint!r}: {shared_id(motor.id)}")
    missing = [motor for motor, answer in zip(motors, answers, strict=True) if answer is None]
    if missing:
        names = ", ".join(f"{motor.id} (joint {motor.joint!r})" for motor in missing)
        advice = _advice(missing[0].id, ping, line, baudrates)
        raise HardwareError(f"no answer at {line.baudrate} baud from motor {names}; {advice}")
    return [answer for answer in answers if answer is not None]


def _advice(motor: int, ping: Ping[object], line: Line, baudrates: Iterable[int]) -> str:
    """Search for a missing motor at the other baud rates; return the advice. The baud rate is restored."""
    configured = line.baudrate
    found = None
    try:
        for baudrate in baudrates:
            if baudrate != configured and found is None:
                line.set_baudrate(baudrate)
                found = baudrate if ping(motor, 1) else None
    finally:
        line.set_baudrate(configured)
    if found is not None:
        return (
            f"motor {motor} answers at {found} baud: set that in the robot YAML, or change it with "
            f"`sim2real motors set-baud --id {motor} --to {configured} --port PORT`"
        )
    return "check power, cable and ids (`sim2real motors scan --port PORT` lists the motors on a port)"
