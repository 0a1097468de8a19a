"""The nominal operating point of a motor type."""

from typing import Annotated

from sim2real.configs.schema.base import Config
from sim2real.configs.schema.quantity import AngularVelocity, Current, Positive, Torque, Voltage


class Nominal(Config):
    """The nominal operating point of the datasheet, at the output shaft."""

    voltage: Annotated[Voltage, Positive]
    stall_torque: Annotated[Torque, Positive]
    stall_current: Annotated[Current, Positive]
    no_load_speed: Annotated[AngularVelocity, Positive]
