"""The interface of an emulated motor of any family."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol


@dataclass(slots=True)
class Shaft:
    """What the motor's sensors see, in its own direction of rotation."""

    angle: float = 0.0
    """rad"""
    velocity: float = 0.0
    """rad/s"""
    torque: float = 0.0
    """N·m of the winding, at the output shaft."""
    voltage: float = 0.0
    """V of the supply at the motor."""
    temperature: float = 25.0
    """°C"""


class EmulatedMotor(Protocol):
    """One motor: its registers, its firmware's loops, and what it finds wrong with itself.

    Pure: time is an argument in integer nanoseconds. The shaft's mechanics and the winding are the robot's, which
    calls `boot` first, `step` at every timestep while torque is on, and fills `shaft` before any reading.
    """

    shaft: Shaft
    silent: bool
    """Neither hears nor answers: a fault of its data line."""

    @property
    def id(self) -> int:
        """Address on the bus."""
        ...

    @property
    def baudrate(self) -> int:
        """Speed at which it listens and talks."""
        ...

    @property
    def torque_enabled(self) -> bool:
        """Whether its bridge drives the winding; `step` is called only then."""
        ...

    @property
    def driven(self) -> bool:
        """Whether the motor follows a goal: on, and not stopped by its own watchdog."""
        ...

    @property
    def watchdog_tripped(self) -> bool:
        """Whether its own watchdog has stopped it."""
        ...

    @property
    def faults(self) -> int:
        """What it finds wrong with itself, bits in the family's own coding; 0 when all is well."""
        ...

    @property
    def temperature_limit(self) -> float:
        """°C above which the firmware shuts down."""
        ...

    def boot(self, now_ns: int, boot_ns: int = ...) -> None:
        """Restart as after power-up: what is not persistent is forgotten; answers when `boot_ns` have passed."""
        ...

    def saved(self) -> dict[str, float]:
        """Return what survives a power cycle and can be set, by the family's own names."""
        ...

    def restore(self, saved: Mapping[str, float]) -> None:
        """Restore saved settings; they take effect at the next boot.

        Raises:
            ValueError: A name or a value that the motor does not have; the message says which.
        """
        ...

    def hears(self, now_ns: int) -> bool:
        """Whether the motor takes part in what happens on the bus."""
        ...

    def step(self, now_ns: int, angle: float, velocity: float, resistance: float, supply: float, dt: float) -> float:
        """Return the duty cycle of the bridge for the time up to now, -1 to 1.

        Args:
            now_ns: Time at the end of the step.
            angle: rad
            velocity: rad/s
            resistance: Ω of the winding.
            supply: V
            dt: s
        """
        ...

    def check_health(self, elapsed_s: float) -> None:
        """Judge what the sensors see; may switch torque off."""
        ...

    def freeze_encoder(self) -> None:
        """Let the encoder's reading stick where it is: a fault."""
        ...

    def release_encoder(self) -> None:
        """End that fault."""
        ...

    def overload(self) -> None:
        """Report an overload that stays until it is cured as the family has it: a fault."""
        ...

    def report(self, now_ns: int) -> dict[str, int | float]:
        """Return the registers that a verdict wants to see, by name."""
        ...
