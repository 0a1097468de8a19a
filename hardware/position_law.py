"""The law of a motor's position loop as its joint sees it: stiffness, damping and limits in SI units.

A servo's loop puts out a duty cycle, so its torque follows the supply and falls with speed:
torque = K/R · (gain · error · supply - K · velocity). Seen from the joint that is a spring, and a damper of at least
K²/R that no gain takes away.
"""

from dataclasses import dataclass
from math import inf, tau
from typing import Self

from sim2real.configs.schema.motor import MotorConfig


@dataclass(frozen=True)
class PositionLaw:
    """torque = stiffness · error - damping · velocity, as far as voltage and torque go."""

    stiffness: float
    """N·m/rad"""
    damping: float
    """N·m·s/rad"""
    duty_max: float = 1.0
    """Share of the supply that the bridge puts out at most."""
    torque_max: float = inf
    """N·m that the firmware limits the torque to."""
    speed_max: float = inf
    """rad/s at which the firmware moves its own target towards the goal; inf where it jumps there."""


@dataclass(frozen=True)
class Winding:
    """The electrical side of a motor type at its output shaft; K and R as in `sim2real.hardware.emulator.electrics`."""

    constant: float
    """K: V·s/rad, and N·m/A."""
    resistance: float
    """R: Ω at 25 °C."""

    @classmethod
    def of(cls, motor: MotorConfig) -> Self:
        """Derive it from the datasheet."""
        nominal = motor.nominal
        constant = nominal.voltage / nominal.no_load_speed
        return cls(constant, constant * nominal.voltage / nominal.stall_torque)

    @property
    def damping(self) -> float:
        """K²/R, N·m·s/rad: what the back-EMF takes from a bridge that holds its voltage."""
        return self.constant**2 / self.resistance

    def torque(self, voltage: float) -> float:
        """Return the torque of a voltage at standstill, N·m."""
        return self.constant * voltage / self.resistance


def per_radian(motor: MotorConfig) -> float:
    """Return counts for each radian."""
    return motor.counts_per_revolution / tau


def nearest(wanted: float, unit: float, largest: int) -> int:
    """Return the register value that comes nearest to a quantity; at least 0."""
    return min(max(round(wanted / unit), 0), largest)
