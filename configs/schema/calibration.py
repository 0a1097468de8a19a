"""Schema of the calibration of a joint: its motor and its settings when zero and direction were measured."""

from typing import Literal

from pydantic import Field

from sim2real.configs.schema.base import Config


class CalibrationConfig(Config):
    """The motor's identity and the registers that gave its position a meaning; written by `sim2real motors calibrate`.

    Opening the robot compares them with what it finds, register by register, and refuses a joint whose zero no longer
    holds.
    """

    version: Literal[1]
    """Version of this block."""
    measured: str = ""
    """Time of the calibration, ISO 8601."""
    model_number: int | None = None
    """Model number of the motor; none if the family has no such number."""
    serial_number: str = ""
    """Serial number of the motor, hexadecimal; empty if the family has none. Another motor is refused."""
    firmware: str = ""
    """Firmware version of the motor; not compared."""
    registers: dict[str, float] = Field(default_factory=dict)
    """Value of each register that decides what a position means, by the family's own names."""
