"""Schema of a goal: the verdict of a run."""

from typing import Annotated, Final, Literal, Self

from pydantic import model_validator

from sim2real.configs.schema.base import Config, MisplacedError, Name
from sim2real.configs.schema.quantity import Angle, Duration, Length, Positive

_GOAL_KEYS: Final = {
    "joint": ("joint", "position", "tolerance", "hold"),
    "upright": ("tolerance", "hold"),
    "tip": ("distance", "hold"),
    "finish": (),
}
"""What each kind of goal must say."""


class GoalConfig(Config):
    """The verdict of a run, decided from what the robot measures, in simulation and on the robot alike."""

    kind: Literal["joint", "upright", "tip", "finish"] = "joint"
    """joint: a joint is at a position; upright: the first IMU's body is; tip: the tip is where the command asks;
    finish: the run came to its end without a fault."""
    joint: Name | None = None
    position: Angle | None = None
    tolerance: Annotated[Angle, Positive] | None = None
    """Of the joint's position, or of the body's tilt."""
    distance: Annotated[Length, Positive] | None = None
    """How near the tip must be."""
    wrap: bool = False
    """Whether full turns count as the same position."""
    hold: Annotated[Duration, Positive] | None = None
    """It must be so for this last part of the run."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        keys = _GOAL_KEYS[self.kind]
        for key in ("joint", "position", "tolerance", "distance", "hold"):
            if (key in keys) != (getattr(self, key) is not None):
                word = "needs" if key in keys else "takes no"
                raise MisplacedError((key,), f"a goal of kind {self.kind!r} {word} `{key}`")
        return self
