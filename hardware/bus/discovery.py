"""Discovery: checks that every configured motor answers at the configured speed."""

from collections.abc import Iterable, Sequence
from typing import Protocol, TypeVar

from sim2real.hardware.errors import HardwareError


class ExpectedMotor(Protocol):
    """A motor that the configuration puts on the bus."""

    @property
    def id(self) -> int:
        """Its id."""

    @property
    def joint(self) -> str:
        """Name of the joint that it moves."""


class Line(Protocol):
    """The line of the bus."""

    @property
    def baudrate(self) -> int:
        """Its speed."""

    def set_baudrate(self, baudrate: int) -> None:
        """Change the speed. Raises PortLostError."""


IdentityT_co = TypeVar("IdentityT_co", covariant=True)


class Ping(Protocol[IdentityT_co]):
    """Asks for the identity of one motor."""

    def __call__(self, motor: int, tries: int = ..., /) -> IdentityT_co | None:
        """Return the identity of the motor with this id, None if none answers. Raises PortLostError."""


def find_motors(
    motors: Sequence[ExpectedMotor], ping: Ping[IdentityT_co], line: Line, baudrates: Iterable[int]
) -> list[IdentityT_co]:
    """Ping every motor; return the identities in their order.

    Args:
        motors: The configured motors.
        ping: Asks for the identity of one motor.
        line: The line of the bus.
        baudrates: Speeds of the family, at which a missing motor is searched for.

    Raises:
        HardwareError: Lists the ids that are missing, and at which other speed the first of them answers.
        PortLostError: The port vanished.
    """
    answers = [ping(motor.id) for motor in motors]
    missing = [motor for motor, answer in zip(motors, answers, strict=True) if answer is None]
    if missing:
        names = ", ".join(f"{motor.id} (joint {motor.joint!r})" for motor in missing)
        where_else = _where_else(missing[0].id, ping, line, baudrates)
        raise HardwareError(f"no answer at {line.baudrate} baud from motor {names}; {where_else}")
    return [answer for answer in answers if answer is not None]


def _where_else(motor: int, ping: Ping[object], line: Line, baudrates: Iterable[int]) -> str:
    """Return the advice for a missing motor, after a search at the other speeds; the speed is restored."""
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
    return "check power, cable and ids (`sim2real motors scan --port PORT` lists the motors that are there)"
