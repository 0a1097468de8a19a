"""Schema of what differs from episode to episode in simulation: physics, latency, noise."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from configs.schema.base import Config, MisplacedError, Name
from configs.schema.quantity import Angle, AngularVelocity, Duration, NonNegative, Torque

PhysicsParameterName = Literal[
    "body_mass",
    "joint_armature",
    "joint_friction",
    "joint_damping",
    "motor_resistance",
    "motor_constant",
    "supply_voltage",
    "gravity",
]
"""Parameters that `sim2real.randomization` applies; a test keeps the two in step."""


class PhysicsParameterConfig(Config):
    """One physical parameter: a factor on its calibrated value, drawn once per episode."""

    parameter: PhysicsParameterName
    elements: tuple[str, ...] | None = None
    """Names of the bodies or joints it applies to; all when left out. One factor is drawn for each."""
    distribution: Literal["uniform", "log_uniform"] = "uniform"
    range: tuple[Annotated[float, Field(gt=0.0)], Annotated[float, Field(gt=0.0)]]
    """Lowest and highest factor."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if not self.range[0] <= self.range[1]:
            raise MisplacedError(("range",), "must be ordered, low before high")
        return self


class LatencyConfig(Config):
    """Delays, drawn once per episode, exact to the physics step."""

    action: tuple[Annotated[Duration, NonNegative], Annotated[Duration, NonNegative]] = (0.0, 0.0)
    """From the end of inference to the motor acting on the command."""
    observation: tuple[Annotated[Duration, NonNegative], Annotated[Duration, NonNegative]] = (0.0, 0.0)
    """Age of joint readings when the policy sees them."""
    imu: tuple[Annotated[Duration, NonNegative], Annotated[Duration, NonNegative]] = (0.0, 0.0)
    """Age of IMU readings when the policy sees them: the unit's own filter, its line, and the time between samples."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        for name, (low, high) in (("action", self.action), ("observation", self.observation), ("imu", self.imu)):
            if not low <= high:
                raise MisplacedError((name,), "must be ordered, low before high")
        return self


class PositionNoiseConfig(Config):
    """Noise of joint position readings: o = o0·(1 + gain) + bias + white."""

    gain: Annotated[float, NonNegative] = 0.0
    """Standard deviation of the factor's error, drawn once per episode (correlated)."""
    bias: Annotated[Angle, NonNegative] = 0.0
    """Standard deviation of the offset, drawn once per episode (correlated)."""
    white: Annotated[Angle, NonNegative] = 0.0
    """Standard deviation of the noise drawn every tick (uncorrelated)."""


class VelocityNoiseConfig(Config):
    """Noise of joint velocity readings: o = o0·(1 + gain) + bias + white."""

    gain: Annotated[float, NonNegative] = 0.0
    """Standard deviation of the factor's error, drawn once per episode (correlated)."""
    bias: Annotated[AngularVelocity, NonNegative] = 0.0
    """Standard deviation of the offset, drawn once per episode (correlated)."""
    white: Annotated[AngularVelocity, NonNegative] = 0.0
    """Standard deviation of the noise drawn every tick (uncorrelated)."""


class EffortNoiseConfig(Config):
    """Noise of joint effort readings: o = o0·(1 + gain) + bias + white."""

    gain: Annotated[float, NonNegative] = 0.0
    """Standard deviation of the factor's error, drawn once per episode (correlated)."""
    bias: Annotated[Torque, NonNegative] = 0.0
    """Standard deviation of the offset, drawn once per episode (correlated)."""
    white: Annotated[Torque, NonNegative] = 0.0
    """Standard deviation of the noise drawn every tick (uncorrelated)."""


class AngularVelocityNoiseConfig(Config):
    """Noise of gyro readings: o = o0 + bias + white, about each axis."""

    bias: Annotated[AngularVelocity, NonNegative] = 0.0
    """Standard deviation of the offset, drawn once per episode (correlated)."""
    white: Annotated[AngularVelocity, NonNegative] = 0.0
    """Standard deviation of the noise drawn every tick (uncorrelated)."""


class OrientationNoiseConfig(Config):
    """Noise of orientation readings: the true one, turned a little about each axis of the body."""

    bias: Annotated[Angle, NonNegative] = 0.0
    """Standard deviation of the turn that is drawn once per episode (correlated): how a unit is askew."""
    white: Annotated[Angle, NonNegative] = 0.0
    """Standard deviation of the turn that is drawn every tick (uncorrelated)."""


class NoiseConfig(Config):
    """Noise of every group of readings."""

    joint_position: PositionNoiseConfig = PositionNoiseConfig()
    joint_velocity: VelocityNoiseConfig = VelocityNoiseConfig()
    joint_effort: EffortNoiseConfig = EffortNoiseConfig()
    angular_velocity: AngularVelocityNoiseConfig = AngularVelocityNoiseConfig()
    orientation: OrientationNoiseConfig = OrientationNoiseConfig()
    quantize: bool = True
    """Round readings and effort commands to the resolution of the motor's registers."""


class RandomizationConfig(Config):
    """How simulated episodes differ."""

    name: Name
    description: str = ""
    physics: tuple[PhysicsParameterConfig, ...] = ()
    latency: LatencyConfig = LatencyConfig()
    noise: NoiseConfig = NoiseConfig()
