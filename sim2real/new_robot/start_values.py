"""Start values of joints from the datasheet of their motor, by rules that fit the shipped robots."""

import math
from dataclasses import dataclass

from sim2real.configs.schema.motor import MotorConfig


@dataclass(frozen=True)
class Start:
    """Start values of a family of motors; shares, reach and decay are those of the shipped robots, rounded."""

    protocol: str
    motor: str
    """The shipped motor that is taken when none is named."""
    mode: str
    port: str
    baudrate: str
    baudrate_check: str
    centre: float
    """Motor angle in the middle of the encoder's turn, degrees: there the joint's zero is put."""
    effort_share: float
    """Effort limit as a share of the stall torque."""
    velocity_share: float
    """Velocity limit as a share of the speed without load."""
    reach: float
    """Position error at which the stiffness asks for the effort limit, rad."""
    decay: float
    """Damping over stiffness, s."""


STARTS = {
    "dynamixel": Start(
        protocol="dynamixel2",
        motor="xm430_w350",
        mode="position",
        port="/dev/ttyUSB0",
        baudrate="1 Mbaud",
        baudrate_check="as the motors are set; 57600 baud from the factory",
        centre=180.0,
        effort_share=0.7,
        velocity_share=1.0,
        reach=0.25,
        decay=0.07,
    ),
    "feetech": Start(
        protocol="feetech",
        motor="sts3215_7v4",
        mode="position",
        port="/dev/ttyACM0",
        baudrate="1 Mbaud",
        baudrate_check="as the motors are set; this is the factory's",
        centre=180.0,
        effort_share=0.7,
        velocity_share=1.0,
        reach=0.25,
        decay=0.07,
    ),
    # The stall torque of a bare brushless motor is no duty point, nor is its speed without load a joint's.
    "moteus": Start(
        protocol="moteus",
        motor="moteus_r4_mj5208_6to1",
        mode="impedance",
        port="/dev/fdcanusb",
        baudrate="1 Mbaud",
        baudrate_check="of the adapter's serial port; over USB any will do",
        centre=0.0,
        effort_share=0.2,
        velocity_share=0.15,
        reach=0.5,
        decay=0.03,
    ),
}


@dataclass(frozen=True)
class Motor:
    """The motor of every joint, and the joints' numbers that follow from it, rounded down to two digits."""

    reference: str
    """As the YAML has it."""
    config: MotorConfig
    check: str = ""
    """Why it is a guess; empty where the user named it."""

    @property
    def start(self) -> Start:
        """Start values of its family."""
        return STARTS[self.config.family]

    @property
    def effort(self) -> float:
        """Effort limit, N·m."""
        return two_digits(self.start.effort_share * self.config.nominal.stall_torque)

    @property
    def velocity(self) -> float:
        """Velocity limit, rad/s."""
        return two_digits(self.start.velocity_share * self.config.nominal.no_load_speed)

    @property
    def stiffness(self) -> float:
        """Position gain, N·m/rad."""
        return two_digits(self.effort / self.start.reach)

    @property
    def damping(self) -> float:
        """Velocity gain, N·m·s/rad."""
        return two_digits(self.stiffness * self.start.decay)

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
