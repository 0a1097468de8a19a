"""The interface of an emulated motor of any family."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol


@dataclass(slots=True)
class Shaft:
    """What the motor's sensors measure, in the motor's own direction of rotation."""

    angle: float = 0.0
    """rad"""
    velocity: float = 0.0
    """rad/s"""
    torque: float = 0.0
    """Electromagnetic torque at the output shaft, N·m."""
    voltage: float = 0.0
    """Supply voltage at the motor, V."""
    temperature: float = 25.0
    """°C"""


@dataclass(frozen=True, slots=True)
class MotorGoal:
    """What a motor's registers tell it to do, in SI units and in its own direction of rotation.

    torque = stiffness·(position − q) + damping·(0 − q̇) + effort, within ± `effort_max`.
    """

    position: float | None
    """Angle of the output shaft, rad; None if it has no goal position."""
    effort: float
    """Feed-forward, N·m."""
    stiffness: float
    """N·m/rad, at the motor's nominal voltage."""
    damping: float
    """N·m·s/rad beyond that of the back-EMF, at the motor's nominal voltage."""
    effort_max: float
    """N·m; infinite if nothing limits the torque."""


class EmulatedMotor(Protocol):
    """One motor: its registers, control loops and self-monitoring.

    Pure: time is an argument in integer nanoseconds. The emulated robot models the mechanics and the winding. It calls
    `boot` first, calls `step` at every timestep while torque is on, and fills `shaft` before any reading.
    """

    shaft: Shaft
    silent: bool
    """If True, it neither receives nor replies: a fault of its data line."""
    goal_writes: int
    """Number of goals that it has received."""

    @property
    def goal(self) -> MotorGoal:
        """What its registers tell it to do now; it does that while `driven`."""
        ...

    @property
    def id(self) -> int:
        """Address on the bus."""
        ...

    @property
    def baudrate(self) -> int:
        """Baud rate at which it communicates, bit/s."""
        ...

    @property
    def torque_enabled(self) -> bool:
        """Whether the bridge drives the winding; `step` is called only then."""
        ...

    @property
    def driven(self) -> bool:
        """Whether the motor follows a goal: torque is on and its watchdog has not stopped it."""
        ...

    @property
    def watchdog_tripped(self) -> bool:
        """Whether its own watchdog has stopped it."""
        ...

    @property
    def faults(self) -> int:
        """Detected faults as bits in the family's own encoding; 0 if there are none."""
        ...

    @property
    def temperature_limit(self) -> float:
        """Temperature above which the firmware shuts down, °C."""
        ...

    def boot(self, now_ns: int, boot_ns: int = ...) -> None:
        """Restart as at power-up: volatile registers are reset; it answers after `boot_ns`."""
        ...

    def saved(self) -> dict[str, float]:
        """Return the persistent settings, by the family's own names."""
        ...

    def restore(self, saved: Mapping[str, float]) -> None:
        """Restore saved settings; they take effect at the next boot.

        Raises:
            ValueError: A name or a value is invalid; the message says which.
        """
        ...

    def listens(self, now_ns: int) -> bool:
        """Return whether the motor receives instructions now: it has booted and is not silent."""
        ...

    def step(self, now_ns: int, angle: float, velocity: float, resistance: float, supply: float, dt: float) -> float:
        """Advance the control loops by one step; return the duty cycle of the bridge during it, -1 to 1.

        Args:
            now_ns: Time at the end of the step, ns.
            angle: Angle of the output shaft, rad.
            velocity: Velocity of the output shaft, rad/s.
            resistance: Winding resistance, Ω.
            supply: Supply voltage, V.
            dt: Duration of the step, s.
        """
        ...

    def check_health(self, elapsed_s: float) -> None:
        """Check the sensor values over the last `elapsed_s`; may switch torque off."""
        ...

    def freeze_encoder(self) -> None:
        """Freeze the encoder reading at its present value: a fault."""
        ...

    def release_encoder(self) -> None:
        """End the fault of `freeze_encoder`."""
        ...

    def overload(self) -> None:
        """Report an overload until it is cleared in the family's own way: a fault."""
        ...

    def renumber(self, motor_id: int) -> None:
        """Change its id at once, as a damaged EEPROM does: a fault."""
        ...

    def report(self, now_ns: int) -> dict[str, int | float]:
        """Return the registers that are needed to check a run, by name."""
        ...
