"""Schema of the safety envelope of a robot: limits of the runtime, and what follows when one is broken."""

from math import pi
from typing import Annotated, Final, Literal, Self

from pydantic import Field, model_validator

from sim2real.configs.schema.base import Config, MisplacedError, Name
from sim2real.configs.schema.death import DeathState
from sim2real.configs.schema.quantity import (
    Angle,
    AngularVelocity,
    Duration,
    NonNegative,
    Positive,
    Temperature,
    Voltage,
)

FaultName = Literal[
    "STALE_READING",
    "EFFORT",
    "ACTION_NOT_FINITE",
    "POSITION",
    "VELOCITY",
    "TEMPERATURE",
    "VOLTAGE",
    "NOT_FINITE",
    "COMMUNICATION_LOSS",
    "BUS_LOSS",
    "MISSED_TICKS",
    "MOTOR_FAULT",
    "TEMPERATURE_UNKNOWN",
    "VOLTAGE_UNKNOWN",
    "PORT_LOST",
    "START_POSE",
    "IMU_STALE",
    "IMU_FROZEN",
    "IMU_IMPLAUSIBLE",
    "POSITION_JUMP",
    "DAMPING_TOO_LONG",
    "MISSED_SHARE",
    "TRACKING",
    "JOINT_FROZEN",
    "STALLED",
    "TILT",
    "OPERATOR_LOST",
    "OBSERVATION_RANGE",
    "SUPERVISOR_LOST",
    "INTERNAL_ERROR",
]
"""Names of the reasons in `sim2real.runtime.verdict`."""

Reaction = Literal["off", "limp", "damp", "hold"]
"""What the robot does after a fault. `off`: torque off. `limp`: no effort, torque on where the motor can do that.
`damp`: motion is damped. `hold`: every joint holds the position it had."""

NEVER_WITH_TORQUE: Final[tuple[FaultName, ...]] = (
    "PORT_LOST",  # no command reaches the motors behind it
    "NOT_FINITE",  # the joint's position is unknown: whatever the motor does about it may be wrong
    "POSITION_JUMP",
    "JOINT_FROZEN",
    "SUPERVISOR_LOST",  # nothing would end the torque if the runtime died as well
    "INTERNAL_ERROR",  # what would compute the reaction has failed
)
"""Faults after which torque goes off at once."""


class SafetyConfig(Config):
    """The safety envelope that the runtime enforces, in addition to the limits of the joints."""

    watchdog: Annotated[Duration, Field(ge=0.02, le=2.54)]
    """Longest time that the runtime may stand still before the supervisor process stops the motors. Motors with a
    watchdog of their own get the same time."""
    reading_age_max: Annotated[Duration, Positive]
    """Age at which a reading is stale; the runtime then stops holding the last command and damps the robot."""
    communication_loss: Annotated[Duration, Positive]
    """Time without a reading of a joint that is a fault; at least `reading_age_max`."""
    missed_ticks_max: Annotated[int, Field(ge=1, le=10_000)]
    """Number of consecutive missed ticks that is a fault."""
    temperature_max: Temperature
    """Motor temperature above which the runtime reports a fault."""
    voltage_range: tuple[Voltage, Voltage]
    """Lowest and highest supply voltage at the motors; a value outside is a fault."""
    voltage_ranges: dict[Name, tuple[Voltage, Voltage]] = Field(default_factory=dict)
    """The same for the motors of each of the robot's `supplies`, by name."""
    position_margin: Annotated[Angle, NonNegative]
    """Distance of a joint outside its position limits that is still accepted; more is a fault."""
    velocity_margin: Annotated[AngularVelocity, NonNegative]
    """Joint velocity above the velocity limit that is still accepted; more is a fault."""
    damping_max: Annotated[Duration, Positive] = 2.0
    """Longest time in damping, all of it together; more is a fault. See `damping_recovery`."""
    damping_recovery: Annotated[Duration, Positive] = 10.0
    """Time without damping after which the time spent in damping is forgotten again, at a thirtieth of the time that
    passes."""
    missed_share_max: Annotated[float, Field(gt=0.0, le=1.0)] = 0.1
    """Share of missed ticks during `missed_share_window` above which it is a fault."""
    missed_share_window: Annotated[Duration, Field(gt=0.0, le=600.0)] = 2.0
    """Time over which the share of missed ticks is measured; each of them is kept."""
    health_age_max: Annotated[Duration, Positive] = 2.0
    """Age at which a motor's temperature or voltage counts as unknown, which is a fault; both are polled slowly."""
    tracking_error_max: Annotated[Angle, Positive] | None = None
    """Distance between a joint and its position target that is a fault after `tracking_time`; unlimited when absent.
    A joint may have its own."""
    tracking_time: Annotated[Duration, Positive] = 0.5
    """How long a tracking error may last, and a joint may stall."""
    frozen_after: Annotated[Duration, Positive] = 0.3
    """Time after which a joint whose position stays where it is, although it must have moved, is a fault."""
    temperature_derating: Temperature | None = None
    """Motor temperature from which the effort limit falls, to zero at `temperature_max`; not at all when absent."""
    tilt_max: Annotated[Angle, Field(gt=0.0, lt=pi)] | None = None
    """Angle between the base and upright that is a fault; needs an IMU; unlimited when absent."""
    operator_timeout: Annotated[Duration, Positive] | None = None
    """Longest time without a sign of life from the operator's device, where one is in use; then the robot damps."""
    operator_command_time: Annotated[Duration, Positive] = 1.0
    """Shortest time in which an operator command crosses its whole range; bounds how fast a device can change it."""
    observation_range: Literal["count", "damp", "fault"] = "count"
    """What follows when the policy observes values outside the range seen in training."""
    on_fault: dict[FaultName, Reaction] = Field(default_factory=dict)
    """Reaction to each fault; `off` for those that are not named. Of several faults the strongest reaction is taken."""
    fault_time: Annotated[Duration, Positive] = 2.0
    """How long `damp`, `hold` and `limp` last after a fault; then torque goes off."""
    on_death: DeathState = "off"
    """What the motors do when the runtime dies or stalls; the supervisor process brings them to it within `watchdog`.
    Refused where a motor cannot do it in the joint's mode."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if not self.reading_age_max <= self.communication_loss:
            raise MisplacedError(
                ("reading_age_max",), f"must not exceed communication_loss; valid: up to {self.communication_loss} s"
            )
        if not self.voltage_range[0] < self.voltage_range[1]:
            raise MisplacedError(("voltage_range",), "must be ordered, low before high")
        for name, (low, high) in self.voltage_ranges.items():
            if not low < high:
                raise MisplacedError(("voltage_ranges", name), "must be ordered, low before high")
        if self.temperature_derating is not None and not self.temperature_derating < self.temperature_max:
            raise MisplacedError(
                ("temperature_derating",),
                f"must be below temperature_max; valid: below {self.temperature_max:g} degC",
            )
        for name, reaction in self.on_fault.items():
            if name in NEVER_WITH_TORQUE and reaction != "off":
                raise MisplacedError(("on_fault", name), "torque always goes off after this fault; valid: off")
        return self

    def voltages_at(self, supply: str | None) -> tuple[float, float]:
        """Return the lowest and highest voltage at motors of a supply, V; None is the robot's own."""
        return self.voltage_range if supply is None else self.voltage_ranges[supply]
