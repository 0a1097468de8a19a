"""Schema of the initial state of an emulated robot."""

from typing import Annotated

from pydantic import Field

from sim2real.configs.schema.base import Config, Name
from sim2real.configs.schema.quantity import Angle, Length, NonNegative


class BaseStateConfig(Config):
    """Pose of a floating base, at rest. Needs the plant mujoco."""

    height: Length | None = None
    """Height of the base above the floor; by default that of the model."""
    roll: Angle = 0.0
    """Turn about the x axis, first of the three."""
    pitch: Angle = 0.0
    """Turn about the y axis, after the roll."""
    yaw: Angle = 0.0
    """Turn about the z axis, last."""


class StartStateConfig(Config):
    """Where the robot is when it is powered up, at rest."""

    joints: dict[Name, Angle] = Field(default_factory=dict)
    """Joint angles; the others are in their default position."""
    scatter: Annotated[Angle, NonNegative] = 0.0
    """Largest deviation of every joint from there, drawn from the scenario's seed, within the position limits."""
    base: BaseStateConfig | None = None
    """Pose of a floating base; by default that of the model."""
