"""The interface of workbenches: what `sim2real motors` does with single motors of any family.

What is refused, and in which words (an id that is taken or not valid, EEPROM under torque), is decided for all families
in `hardware/workbench/change.py`: a family only writes.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal, Protocol


@dataclass(frozen=True, slots=True)
class FoundMotor:
    """A motor that answered; the fields are those of `motors scan --json`."""

    id: int
    protocol: str
    """Protocol of the bus, as in the robot YAML."""
    baudrate: int
    """Speed at which it answered."""
    model_number: int | None
    """None where the family has no such number."""
    model: str | None
    """Name for people; None for a model that is not known."""
    firmware: int | str

    @property
    def title(self) -> str:
        """What messages call it."""
        return f"motor {self.id} ({self.model or 'unknown model'}{_number(self.model_number)})"


@dataclass(frozen=True, slots=True)
class RegisterReading:
    """One row of `motors show`."""

    address: int
    area: Literal["eeprom", "ram"]
    """EEPROM is kept without power; `ram` too for what a family does not keep."""
    name: str
    value: int | float
    """In the motor's own units, as it is in the register."""
    text: str = ""
    """The same in SI with its unit, or in words; empty where the number says all."""


@dataclass(frozen=True, slots=True)
class MotorReading:
    """One line of `motors monitor`, at the motor, before direction and zero; NaN for what it does not measure."""

    position: float
    """rad, as the driver counts it."""
    velocity: float
    """rad/s"""
    effort: float
    """N*m"""
    temperature: float
    """°C"""
    voltage: float
    """V"""


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of `motors check`."""

    what: str
    value: str
    ok: bool
    """False fails the check; what the driver itself takes care of does not."""
    advice: str = field(default="")
    """What to do; empty when there is nothing."""


class Workbench(Protocol):
    """Single motors on one bus of a family, over an open transport that the caller closes.

    `scan`, `find` and `set_baudrate` set the speed of the line and leave it there; every other method talks at it.
    `motor` is an id. Every method may raise HardwareError (no answer, refused, unknown model where the model matters)
    and PortLostError, and each waits and retries within bounds.
    """

    @property
    def protocol(self) -> str:
        """Protocol of the bus, as in the robot YAML."""
        ...

    @property
    def baudrates(self) -> tuple[int, ...]:
        """Speeds that `scan` tries; one speed where the line has none of its own."""
        ...

    @property
    def ids(self) -> range:
        """Ids that a motor may have."""
        ...

    def set_baudrate(self, baudrate: int) -> None:
        """Change the speed of the line; nothing is sent."""
        ...

    def scan(self, baudrate: int) -> list[FoundMotor]:
        """Return every motor that answers at a speed, by id; also models without a shipped motor type."""
        ...

    def find(self, motor: int, baudrate: int) -> FoundMotor | None:
        """Return the motor that answers to an id at a speed, None if none does."""
        ...

    def registers(self, motor: int) -> list[RegisterReading]:
        """Return the decoded table of a motor, by address."""
        ...

    def reading(self, motor: int) -> MotorReading:
        """Return what the motor measures now."""
        ...

    def power_up_position(self, motor: int) -> float:
        """Return the motor angle, rad, that the driver would read after a power cycle, which forgets turns."""
        ...

    def torque_enabled(self, motor: int) -> bool:
        """Tell whether the motor holds torque, whatever holds it."""
        ...

    def write_id(self, motor: int, new: int) -> None:
        """Write another id so that it lasts, unlocking and locking EEPROM as needed; no reply has to be waited for."""
        ...

    def write_baudrate(self, motor: int, new: int) -> None:
        """Write another speed so that it lasts; the line keeps its own. Raises HardwareError if it cannot do it."""
        ...

    def reboot(self, motor: int) -> None:
        """Restart a motor, which switches torque off, and return when it answers again."""
        ...

    def findings(self, motor: FoundMotor) -> Iterator[Finding]:
        """Yield what is to be said about the condition and the settings of a motor, and what to do about it."""
        ...


def _number(model_number: int | None) -> str:
    return "" if model_number is None else f", {model_number}"
