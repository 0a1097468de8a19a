"""Schema of the start pose: where a model's base and its joints without motors are when an episode or a run starts."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from sim2real.configs.schema.base import Config, MisplacedError
from sim2real.configs.schema.quantity import Angle, Length


class StartPoseConfig(Config):
    """Start pose of what has no motor: the free base and passive joints. Motor joints start at `default_position`."""

    keyframe: Annotated[str, Field(min_length=1)] | None = None
    """Keyframe of the model to start from; the model's initial pose (qpos0) when absent."""
    height: Length | None = None
    """Height of the free base's origin; that of the keyframe or initial pose when absent."""
    attitude: tuple[Angle, Angle, Angle] | None = None
    """Roll, pitch and yaw of the free base as the model has it: rotations about the fixed axes x, y, z, in this order.
    In this attitude the robot is upright: the stack turns the base's frame so that its z axis points up. That of the
    keyframe or initial pose when absent."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.height is not None and not -100.0 <= self.height <= 100.0:
            raise MisplacedError(("height",), f"must be -100 m to 100 m, not {self.height:g} m")
        return self
