"""The workbench interface: what `sim2real motors` does with single motors of any family.

`hardware/workbench/change.py` checks and reports for all families (an id that is taken or invalid, EEPROM under
torque); a family only writes.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol, runtime_checkable

from sim2real.configs.schema.robot import JointConfig
from sim2real.configs.schema.safety import SafetyConfig


@dataclass(frozen=True, slots=True)
class FoundMotor:
    """A motor that answered; the fields are those of `motors scan --json`."""

    id: int
    protocol: str
    """Protocol of the bus, as in the robot YAML."""
    baudrate: int
    """Baud rate at which it answered, bit/s."""
    model_number: int | None
    """None if the family has no such number."""
    model: str | None
    """Model name for display; None for an unknown model."""
    firmware: int | str
    """Firmware version."""

    @property
    def title(self) -> str:
        """The motor's name in messages."""
        return f"motor {self.id} ({self.model or 'unknown model'}{_number(self.model_number)})"


@dataclass(frozen=True, slots=True)
class RegisterReading:
    """One row of `motors show`."""

    address: int
    area: Literal["eeprom", "ram"]
    """`eeprom` survives a power cycle; everything else is `ram`."""
    name: str
    value: int | float
    """Register value in the motor's own units."""
    text: str = ""
    """The value in SI with its unit, or in words; empty if the number needs no explanation."""


@dataclass(frozen=True, slots=True)
class MotorReading:
    """One line of `motors monitor`, at the motor, without direction and zero; NaN for what it does not measure."""

    position: float
    """rad, as the driver reads it."""
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
    """False fails the check. Settings that the driver writes itself are always ok."""
    advice: str = field(default="")
    """What the user should do; may be empty."""


class Workbench(Protocol):
    """Access to single motors of one family on an open port, which the caller closes.

    `scan`, `find` and `set_baudrate` set the baud rate of the line; every other method uses the present one. `motor` is
    an id. Every method may raise HardwareError (no answer, refused, unknown model where the model matters) and
    PortLostError. Waits and retries are bounded.
    """

    @property
    def protocol(self) -> str:
        """Protocol of the bus, as in the robot YAML."""
        ...

    @property
    def baudrates(self) -> tuple[int, ...]:
        """Baud rates that `scan` tries, bit/s; only one if the line has no baud rate of its own."""
        ...

    @property
    def ids(self) -> range:
        """Valid motor ids."""
        ...

    def set_baudrate(self, baudrate: int) -> None:
        """Change the baud rate of the line; nothing is sent."""
        ...

    def scan(self, baudrate: int) -> list[FoundMotor]:
        """Return every motor that answers at a baud rate, by id; also models without a shipped motor type."""
        ...

    def find(self, motor: int, baudrate: int) -> FoundMotor | None:
        """Return the motor that answers to an id at a baud rate; None if none does."""
        ...

    def registers(self, motor: int) -> list[RegisterReading]:
        """Return the decoded registers of a motor, by address."""
        ...

    def reading(self, motor: int) -> MotorReading:
        """Return the present measurements of a motor."""
        ...

    def power_up_position(self, motor: int) -> float:
        """Return the motor angle that the driver would read after a power cycle, without whole turns, rad."""
        ...

    def torque_enabled(self, motor: int) -> bool:
        """Return whether torque is on, whichever program switched it on."""
        ...

    def write_id(self, motor: int, new: int) -> None:
        """Write another id to persistent memory, unlocking and locking EEPROM as needed; need not wait for a reply."""
        ...

    def write_baudrate(self, motor: int, new: int) -> None:
        """Write another baud rate to persistent memory; the line is unchanged. Raises HardwareError if invalid."""
        ...

    def reboot(self, motor: int) -> None:
        """Restart a motor, which switches torque off; return when it answers again."""
        ...

    def findings(self, motor: FoundMotor) -> Iterator[Finding]:
        """Yield findings about the condition and settings of a motor, with advice."""
        ...


@dataclass(frozen=True, slots=True)
class Settled:
    """A motor whose positions mean what they will mean when the robot runs."""

    model_number: int | None
    """None if the family has no such number."""
    firmware: str
    """Firmware version."""
    registers: Mapping[str, float]
    """The registers that decide what a position means, by the family's own names."""
    notices: tuple[str, ...]
    """What was written to the motor, one line each."""
    serial_number: str = ""
    """Hexadecimal; empty if the family has none."""


@runtime_checkable
class Settling(Protocol):
    """A workbench whose motors have registers that decide what a position means: offset, direction, mode, limits."""

    def settle(self, name: str, joint: JointConfig, position_margin: float) -> Settled:
        """Write these registers as the driver does when it opens the robot, where they differ. Torque must be off.

        Args:
            name: Name of the joint.
            joint: The joint.
            position_margin: How far the joint may be outside its position limits, rad.

        Raises:
            HardwareError: The motor does not answer, or refuses.
        """
        ...


@dataclass(frozen=True, slots=True)
class Difference:
    """A persistent setting that is not as the robot YAML wants it."""

    register: str
    """By the family's own name."""
    found: float
    wanted: float
    effect: str
    """What the found value would do; may be empty."""


@dataclass(frozen=True, slots=True)
class Audit:
    """A motor, compared with the robot YAML field by field."""

    compared: int
    """Number of settings that were compared."""
    differences: tuple[Difference, ...]
    refusals: tuple[str, ...]
    """Why opening the robot would fail even after the differences are gone; each names its cure."""
    remarks: tuple[str, ...]
    """What opening the robot would say beyond that."""


@runtime_checkable
class Auditing(Protocol):
    """A workbench that compares motors with a robot YAML."""

    def audit(self, name: str, joint: JointConfig, safety: SafetyConfig) -> Audit:
        """Compare the motor of a joint; write nothing. Raises HardwareError if it does not answer."""
        ...


@runtime_checkable
class Keeping(Protocol):
    """A workbench that reads and writes the persistent settings of motors, by the family's own names."""

    def settings(self, motor: int) -> dict[str, float]:
        """Return every persistent setting that can be written, without id and baud rate. Raises HardwareError."""
        ...

    def write_setting(self, motor: int, name: str, value: float) -> None:
        """Write one setting, torque off, and read it back.

        Raises:
            HardwareError: There is no such setting, the value is invalid, or the motor has another one afterwards.
        """
        ...


@runtime_checkable
class Recalling(Protocol):
    """A workbench whose motors may be left between two states by a program that was cut off while it wrote."""

    def recall(self, motor: int) -> None:
        """Leave in force only what is saved, and nothing unlocked. Torque must be off; the id may be another then.

        Raises:
            HardwareError: The motor does not answer.
        """
        ...


@runtime_checkable
class Hearing(Protocol):
    """A workbench that can tell quickly whether anything answers."""

    def hears(self, baudrate: int) -> bool:
        """Return whether anything answers at a baud rate; may miss motors with high ids. Raises HardwareError."""
        ...


@runtime_checkable
class Releasing(Protocol):
    """A workbench that switches torque off."""

    def torque_off(self, motor: int | None = None) -> None:
        """Send torque off to one motor, or to all that hear this baud rate. Waits for no confirmation.

        Raises:
            PortLostError: The port vanished.
        """
        ...


def _number(model_number: int | None) -> str:
    return "" if model_number is None else f", {model_number}"
