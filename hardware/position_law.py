"""The control law of a motor's position loop, as stiffness, damping and limits of the joint in SI units.

A servo's loop outputs a duty cycle, so its torque is proportional to the supply and falls with speed:
torque = K/R · (gain · error · supply - K · velocity). At the joint this is a spring, and a damper of at least K²/R
that no gain can remove.
"""

from dataclasses import dataclass
from math import inf, tau
from typing import Self

from sim2real.configs.schema.motor import MotorConfig


@dataclass(frozen=True)
class PositionLaw:
    """torque = stiffness · error - damping · velocity, within the limits of voltage and torque."""

    stiffness: float
    """N·m/rad"""
    damping: float
    """N·m·s/rad"""
    duty_max: float = 1.0
    """Largest duty cycle of the bridge, as a share of the supply."""
    torque_max: float = inf
    """Torque limit of the firmware, N·m."""
    speed_max: float = inf
    """Speed at which the firmware moves its internal target to the goal, rad/s; inf if the target jumps."""


@dataclass(frozen=True)
class Winding:
    """Electrical constants of a motor at its output shaft; K and R as in `sim2real.hardware.emulator.electrics`."""

    constant: float
    """K: V·s/rad, and N·m/A."""
    resistance: float
    """R: Ω at 25 °C."""

    @classmethod
    def of(cls, motor: MotorConfig) -> Self:
        """Derive the constants from the datasheet values."""
        nominal = motor.nominal
        constant = nominal.voltage / nominal.no_load_speed
        return cls(constant, constant * nominal.voltage / nominal.stall_torque)

    @property
    def damping(self) -> float:
        """K²/R, N·m·s/rad: damping by the back-EMF at constant bridge voltage."""
        return self.constant**2 / self.resistance

    def torque(self, voltage: float) -> float:
        """Return the stall torque at a voltage, N·m."""
        return self.constant * voltage / self.resistance


def per_radian(motor: MotorConfig) -> float:
    """Return the encoder counts per radian."""
    return motor.counts_per_revolution / tau


def nearest(wanted: float, unit: float, largest: int) -> int:
    """Return the register value nearest to a quantity, from 0 to `largest`."""
    return min(max(round(wanted / unit), 0), largest)
