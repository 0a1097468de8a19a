"""The roll call of a bus: every configured motor answers, at the configured speed."""

from collections.abc import Iterable, Sequence
from typing import Protocol, TypeVar

from sim2real.hardware.errors import HardwareError


class Named(Protocol):
    """A motor that is expected on the bus."""

    @property
    def id(self) -> int:
        """Its id."""

    @property
    def joint(self) -> str:
        """Name of the joint that it moves."""


class Line(Protocol):
    """What the motors are on."""

    @property
    def baudrate(self) -> int:
        """Its speed."""

    def set_baudrate(self, baudrate: int) -> None:
        """Change the speed. Raises PortLostError."""


IdentityT_co = TypeVar("IdentityT_co", covariant=True)


class Ask(Protocol[IdentityT_co]):
    """A way to ask for one motor."""

    def __call__(self, motor: int, tries: int = ..., /) -> IdentityT_co | None:
        """Return who answers with this id, None if nobody does. Raises PortLostError."""


def find_motors(
    motors: Sequence[Named], ask: Ask[IdentityT_co], line: Line, baudrates: Iterable[int]
) -> list[IdentityT_co]:
    """Ask for every motor; return who answers, in their order.

    Args:
        motors: Who is expected.
        ask: How to ask for one.
        line: What they are on.
        baudrates: Speeds that the family knows, at which one that is missing is searched for.

    Raises:
        HardwareError: Lists the ids that are missing, and at which other speed the first of them answers.
        PortLostError: The port vanished.
    """
    answers = [ask(motor.id) for motor in motors]
    missing = [motor for motor, answer in zip(motors, answers, strict=True) if answer is None]
    if missing:
        names = ", ".join(f"{motor.id} (joint {motor.joint!r})" for motor in missing)
        where_else = _where_else(missing[0].id, ask, line, baudrates)
        raise HardwareError(f"no answer at {line.baudrate} baud from motor {names}; {where_else}")
    return [answer for answer in answers if answer is not None]


def _where_else(motor: int, ask: Ask[object], line: Line, baudrates: Iterable[int]) -> str:
    """Return what to do about a motor that is missing, after a search at the other speeds; the speed is restored."""
    configured = line.baudrate
    found = None
    try:
        for baudrate in baudrates:
            if baudrate != configured and found is None:
                line.set_baudrate(baudrate)
                found = baudrate if ask(motor, 1) else None
    finally:
        line.set_baudrate(configured)
    if found is not None:
        return (
            f"motor {motor} answers at {found} baud: set that in the robot YAML, or change it with "
            f"`sim2real motors set-baud --id {motor} --to {configured} --port PORT`"
        )
    return "check power, cable and ids (`sim2real motors scan --port PORT` lists who is there)"
