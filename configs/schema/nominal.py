"""The nominal operating point of a motor type."""

from typing import Annotated

from sim2real.configs.schema.base import Config
from sim2real.configs.schema.quantity import AngularVelocity, Current, Positive, Torque, Voltage


class Nominal(Config):
    """The nominal operating point of the datasheet, at the output shaft."""

    voltage: Annotated[Voltage, Positive]
    """Supply voltage at which the other values are given."""
    stall_torque: Annotated[Torque, Positive]
    """Torque at standstill."""
    stall_current: Annotated[Current, Positive]
    """Supply current at standstill."""
    no_load_speed: Annotated[AngularVelocity, Positive]
    """Speed without load."""
