"""The nominal operating point of a motor type."""

from typing import Annotated, Self

from pydantic import model_validator

from sim2real.configs.schema.base import Config, MisplacedError
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
    peak_torque: Annotated[Torque, Positive] | None = None
    """The most that a joint may ask of it, where controller or saturation end below the stall torque."""
    top_speed: Annotated[AngularVelocity, Positive] | None = None
    """The speed up to which a joint may use it, where that is not a fixed share of the speed without load."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        for key, most, bound in (
            ("peak_torque", self.stall_torque, "stall_torque"),
            ("top_speed", self.no_load_speed, "no_load_speed"),
        ):
            value = getattr(self, key)
            if value is not None and not value <= most:
                raise MisplacedError((key,), f"{value:g} is above {bound}; valid: up to {most:g}")
        return self

    @property
    def effort_max(self) -> float:
        """The largest effort limit of a joint: peak torque where it is given, else stall torque, N·m."""
        return self.stall_torque if self.peak_torque is None else self.peak_torque
