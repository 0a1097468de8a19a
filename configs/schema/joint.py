"""Schema of one actuated joint of a robot."""

from typing import Annotated, Final, Literal, Self

from pydantic import Field, field_validator, model_validator

from sim2real.configs.families import MOTOR_FAMILIES
from sim2real.configs.schema.base import Config, MisplacedError, Name, Reference
from sim2real.configs.schema.calibration import CalibrationConfig
from sim2real.configs.schema.motor import MotorConfig
from sim2real.configs.schema.quantity import (
    Angle,
    AngularAcceleration,
    AngularJerk,
    AngularVelocity,
    Damping,
    Duration,
    Length,
    NonNegative,
    Positive,
    Stiffness,
    Torque,
)

JERK_TIME_MAX: Final = 0.5
"""s from no acceleration to the acceleration limit; targets are averaged over twice that."""


class JointConfig(Config):
    """One actuated joint: its motor, how it is mounted, and its limits."""

    motor: Annotated[MotorConfig, Reference("motors")]
    """Motor type."""
    bus: Name
    """Name of the bus that the motor is connected to."""
    id: Annotated[int, Field(ge=0)]
    """Motor id on the bus; the valid range depends on the motor family."""
    supply: Name | None = None
    """Name in `supplies` of what feeds the motor; the robot's own `supply_voltage` when absent."""
    mode: Literal["current", "position", "impedance"]
    """Control mode of the motor: `current` (effort targets), `position` (position targets), or `impedance` (position
    and velocity targets, feed-forward effort, stiffness and damping)."""
    direction: Literal[1, -1] = 1
    """1 if motor and joint have the same positive direction, else -1."""
    zero: Angle = 0.0
    """Motor angle at which the joint angle is zero."""
    calibration: CalibrationConfig | None = None
    """Which motor `zero` and `direction` were measured with, and how it was set; compared when the robot is opened."""
    travel: Annotated[Length, Positive] | None = None
    """Travel of a slide of the model for each radian of the motor: the radius of a pinion, or a screw's lead / 2π.
    Angles, velocities and torques of the joint are then those of the pinion or screw. None for a hinge."""
    default_position: Angle = 0.0
    """Joint angle in the start pose."""
    position_limits: tuple[Angle, Angle]
    """Lowest and highest joint angle that may be commanded."""
    velocity_limit: Annotated[AngularVelocity, Positive]
    """Largest joint velocity, in both directions."""
    effort_limit: Annotated[Torque, Positive]
    """Largest torque at the joint; at most the motor's stall torque."""
    stiffness: Annotated[Stiffness, NonNegative] = 0.0
    """Position gain while the runtime holds or ramps the joint."""
    damping: Annotated[Damping, NonNegative] = 0.0
    """Velocity gain while the runtime holds, ramps or damps the joint."""
    acceleration_limit: Annotated[AngularAcceleration, Positive] | None = None
    """Largest acceleration of the position target; unlimited when absent."""
    jerk_limit: Annotated[AngularJerk, Positive] | None = None
    """Largest jerk of the position target; unlimited when absent. It delays targets by up to acceleration by jerk."""
    effort_continuous: Annotated[Torque, Positive] | None = None
    """Torque that the motor can hold for ever. Above it the measured effort is integrated over `thermal_time`, I²t; a
    budget used up is limited to this. Unlimited when absent."""
    thermal_time: Annotated[Duration, Positive] = 10.0
    """Time constant of the motor's windings for `effort_continuous`."""
    stall_effort: Annotated[Torque, Positive] | None = None
    """Measured torque above which a joint that does not move for `safety.tracking_time` is stalled, a fault. For
    grippers and joints that can run against something; unlimited when absent."""
    tracking_error_max: Annotated[Angle, Positive] | None = None
    """Instead of `safety.tracking_error_max`, for a joint that may be held up: a gripper, for example."""

    @field_validator("direction", mode="before")
    @classmethod
    def _refuse_boolean(cls, value: object) -> object:
        if isinstance(value, bool):  # equal to 1 in Python, and so one of the choices
            raise ValueError("a boolean is not a choice; valid: 1, -1")
        return value

    @model_validator(mode="after")
    def _check(self) -> Self:
        low, high = self.position_limits
        if not low < high:
            raise MisplacedError(("position_limits",), f"must be ordered, low before high, not {low} and {high} rad")
        if not low <= self.default_position <= high:
            raise MisplacedError(
                ("default_position",),
                f"{self.default_position} rad is outside position_limits; valid: {low} to {high} rad",
            )
        self._check_jerk()
        registers = self.motor.registers
        if (reason := registers.why_not(self.mode)) is not None:
            modes = MOTOR_FAMILIES[registers.family].modes
            valid = ", ".join(mode for mode in modes if registers.why_not(mode) is None)
            raise MisplacedError(("mode",), f"motor {self.motor.name!r} {reason}; valid: {valid}")
        nominal = self.motor.nominal
        if not self.effort_limit <= nominal.effort_max:
            which = "stall torque" if nominal.peak_torque is None else "peak torque"
            raise MisplacedError(
                ("effort_limit",),
                f"{self.effort_limit} N*m is above the motor's {which}; valid: up to {nominal.effort_max} N*m",
            )
        return self

    def _check_jerk(self) -> None:
        if self.jerk_limit is None:
            return
        if self.acceleration_limit is None:
            raise MisplacedError(("jerk_limit",), "needs acceleration_limit")
        lowest = self.acceleration_limit / JERK_TIME_MAX
        if not lowest <= self.jerk_limit:
            raise MisplacedError(
                ("jerk_limit",),
                f"would average targets over more than {2.0 * JERK_TIME_MAX:g} s; valid: from {lowest:g} rad/s^3",
            )
