"""Schema of what a LeRobot data set does not say of itself: the units of its joints, and what they are called here."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from sim2real.configs.schema.base import Config, MisplacedError, Name
from sim2real.configs.schema.quantity import Angle

LerobotUnits = Literal["deg", "rad", "range_m100_100", "range_0_100"]
"""Degrees, radians, or the share of the joint's range in per cent: from -100 to 100, or from 0 to 100. The last two are
LeRobot's `MotorNormMode` of these names."""


class LerobotJointConfig(Config):
    """One joint of a LeRobot data set."""

    name: Annotated[str, Field(min_length=1, max_length=256)] | None = None
    """Its name in the data set's `observation.state` and `action`. Default: that of the joint here with `.pos` behind
    it."""
    units: LerobotUnits | None = None
    """Default: those of the data set."""
    range: tuple[Angle, Angle] | None = None
    """Of units in per cent: joint angles at their lowest and highest, such as `[-98 deg, 101 deg]`, the ends that the
    calibration found; the greater one first where the joint turns the other way. Default: the joint's
    `position_limits`."""
    zero: Angle = 0.0
    """Of `deg` and `rad`: joint angle at which the data set says 0."""
    direction: Literal[1, -1] = 1
    """Of `deg` and `rad`: -1 where the joint turns the other way in the data set."""

    @model_validator(mode="after")
    def _check_range(self) -> Self:
        if self.range is not None and not self.range[0] != self.range[1]:
            raise MisplacedError(("range",), "both ends are the same angle; valid: two different ones")
        return self


class LerobotConfig(Config):
    """How a LeRobot data set is read."""

    units: LerobotUnits
    """Units of its joints, of positions and of actions; the data set does not say them. LeRobot's arms record
    `range_m100_100`, or `deg` with `use_degrees`, and of their gripper always `range_0_100`."""
    joints: dict[Name, LerobotJointConfig] = Field(default_factory=dict)
    """What is different for some joints, by their names here."""
    resample: Literal["none", "nearest"] = "none"
    """Which frame is shown in a control step where the data set was recorded at another rate: `nearest`, the nearest in
    time; `none`: such a data set is refused."""

    @model_validator(mode="after")
    def _check_joints(self) -> Self:
        for name, joint in self.joints.items():
            units = self.units_of(name)
            per_cent = units.startswith("range")
            unused = {"zero": joint.zero != 0.0, "direction": joint.direction != 1} if per_cent else {}
            for key, given in (unused or {"range": joint.range is not None}).items():
                if given:
                    valid = "range" if per_cent else "zero, direction"
                    raise MisplacedError(("joints", name, key), f"means nothing for units {units!r}; valid: {valid}")
        return self

    def units_of(self, joint: str) -> LerobotUnits:
        """Return the units of a joint, by its name here."""
        named = self.joints.get(joint)
        return self.units if named is None or named.units is None else named.units

    def name_of(self, joint: str) -> str:
        """Return the name of a joint in the data set, by its name here."""
        named = self.joints.get(joint)
        return f"{joint}.pos" if named is None or named.name is None else named.name
