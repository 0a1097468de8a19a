"""Start values of joints from the datasheet of their motor, by rules that fit the shipped robots."""

import math
from dataclasses import dataclass

from sim2real.configs.schema.motor import MotorConfig
from sim2real.hardware.families import motor_family
from sim2real.hardware.family import Family
from sim2real.hardware.start_values import StartValues

DEFAULT_MOTOR = "xm430_w350"
"""Motor to use, marked with a check, if neither a motor nor a protocol is given."""


@dataclass(frozen=True)
class Motor:
    """The motor of every joint, and the joints' numbers that follow from it, rounded down to two digits."""

    reference: str
    """As the YAML has it."""
    config: MotorConfig
    check: str = ""
    """Why it is a guess; empty where the user named it."""

    @property
    def family(self) -> Family:
        """Its family."""
        return motor_family(self.config.family)

    @property
    def start(self) -> StartValues:
        """Start values of its family."""
        return self.family.start

    @property
    def effort(self) -> float:
        """Effort limit, N·m: the motor's peak torque, or the family's share of its stall torque."""
        nominal = self.config.nominal
        return two_digits(nominal.peak_torque or self.start.effort_share * nominal.stall_torque)

    @property
    def velocity(self) -> float:
        """Velocity limit, rad/s: the motor's top speed, or the family's share of its speed without load."""
        nominal = self.config.nominal
        return two_digits(nominal.top_speed or self.start.velocity_share * nominal.no_load_speed)

    @property
    def rules(self) -> tuple[str, str]:
        """Where the effort limit and the velocity limit are from."""
        nominal, start = self.config.nominal, self.start
        effort = f"{start.effort_share:g} times stall torque, {nominal.stall_torque:g} N*m"
        velocity = f"{start.velocity_share:g} times no-load speed, {nominal.no_load_speed:.4g} rad/s"
        return (
            effort if nominal.peak_torque is None else "the motor's peak torque",
            velocity if nominal.top_speed is None else "the motor's top speed",
        )

    @property
    def stiffness(self) -> float:
        """Position gain, N·m/rad."""
        return two_digits(self.effort / self.start.reach)

    @property
    def supply_range(self) -> tuple[float, float]:
        """Supply voltage that safety allows: 20 % around nominal, within what the motor accepts, V."""
        low, high = self.config.voltage_range
        return max(low, 0.8 * self.config.nominal.voltage), min(high, 1.2 * self.config.nominal.voltage)


def two_digits(value: float) -> float:
    """Round a positive number down to two significant digits."""
    exponent = math.floor(math.log10(value)) - 1
    steps = math.floor(value / 10.0**exponent + 1e-9)
    return float(f"{steps}e{exponent}")
