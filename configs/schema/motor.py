"""Schema of a motor type: the datasheet, in SI units, with its sources."""

from typing import Annotated, Literal

from pydantic import Field

from configs.schema.base import Config, Name
from configs.schema.quantity import (
    AngularVelocity,
    Current,
    Damping,
    Inertia,
    NonNegative,
    Positive,
    Temperature,
    Torque,
    Voltage,
)


class Nominal(Config):
    """The nominal operating point of the datasheet, at the output shaft."""

    voltage: Annotated[Voltage, Positive]
    stall_torque: Annotated[Torque, Positive]
    stall_current: Annotated[Current, Positive]
    no_load_speed: Annotated[AngularVelocity, Positive]


class Friction(Config):
    """Friction of motor and gear train, at the output shaft."""

    coulomb: Annotated[Torque, NonNegative]
    viscous: Annotated[Damping, NonNegative] = 0.0


class DynamixelMotor(Config):
    """What differs between Dynamixel X models at register level (Protocol 2.0 e-Manual, control table)."""

    model_number: Annotated[int, Field(ge=1, le=65535)]
    firmware: Annotated[int, Field(ge=1, le=255)]
    """Firmware version that the emulator reports."""
    current_unit: Annotated[Current, Positive]
    """One unit of Present Current (126) and Goal Current (102)."""
    current_limit: Annotated[int, Field(ge=1, le=2047)]
    """Largest value of Current Limit (38), in current units."""
    shutdown: Annotated[int, Field(ge=0, le=255)] = 52
    """Factory value of Shutdown (63)."""


class MotorConfig(Config):
    """One motor type."""

    name: Name
    description: str = ""
    source: tuple[str, ...] = Field(min_length=1)
    """Where the figures come from: datasheet, paper, measurement."""
    family: Literal["dynamixel"]
    """Wire protocol family; a family is one folder in `hardware/`."""
    nominal: Nominal
    armature: Annotated[Inertia, NonNegative]
    """Rotor inertia seen at the output shaft (rotor inertia times gear ratio squared)."""
    friction: Friction
    counts_per_revolution: Annotated[int, Field(ge=2, le=1 << 24)]
    velocity_unit: Annotated[AngularVelocity, Positive]
    """Resolution of the velocity that the motor reports."""
    voltage_range: tuple[Voltage, Voltage]
    """Supply voltage the motor accepts before it raises its voltage alarm."""
    temperature_max: Temperature
    """Temperature at which the firmware shuts the motor down."""
    dynamixel: DynamixelMotor

    @property
    def torque_constant(self) -> float:
        """Stall torque per stall current, N·m/A at the output shaft (what the current register measures)."""
        return self.nominal.stall_torque / self.nominal.stall_current
