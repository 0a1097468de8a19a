"""Schema of a goal: the success criterion of a run."""

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
"""Required keys of each kind of goal."""


class GoalConfig(Config):
    """The success criterion of a run, evaluated from the robot's measurements, both in simulation and on the robot."""

    kind: Literal["joint", "upright", "tip", "finish"] = "joint"
    """Criterion. `joint`: a joint is at a position; `upright`: the body of the first IMU is upright; `tip`: the tip is
    at the commanded position; `finish`: the run ends without a fault."""
    joint: Name | None = None
    """Name of the joint; only for `joint`."""
    position: Angle | None = None
    """Joint angle to reach; only for `joint`."""
    tolerance: Annotated[Angle, Positive] | None = None
    """Largest error of the joint angle, or largest tilt of the body; only for `joint` and `upright`."""
    distance: Annotated[Length, Positive] | None = None
    """Largest distance of the tip from its commanded position; only for `tip`."""
    wrap: bool = False
    """Whether joint angles that differ by whole turns are the same position."""
    hold: Annotated[Duration, Positive] | None = None
    """Time at the end of the run during which the criterion must be met; for all kinds except `finish`."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        keys = _GOAL_KEYS[self.kind]
        for key in ("joint", "position", "tolerance", "distance", "hold"):
            if (key in keys) != (getattr(self, key) is not None):
                word = "needs" if key in keys else "takes no"
                raise MisplacedError((key,), f"a goal of kind {self.kind!r} {word} `{key}`")
        return self
