"""The joints of a LeRobot data set: which of its numbers they are, and what these are in radians."""

from dataclasses import dataclass
from math import radians

import numpy as np

from sim2real.configs.errors import UserError
from sim2real.configs.schema.lerobot import LerobotConfig, LerobotJointConfig
from sim2real.hardware.types import Float64Array
from sim2real.runtime.contract.robot import JointSpec
from sim2real.runtime.contract.spec import Contract
from sim2real.training.demonstrations.lerobot_info import ACTION, STATE, LerobotInfo


@dataclass(frozen=True)
class LerobotJoints:
    """The J joints of a contract in a data set: angle = zero + slope · number."""

    columns: dict[str, list[int]]
    """Their places in `observation.state` and in `action`."""
    slope: Float64Array
    """(J,), rad for each unit."""
    zero: Float64Array
    """(J,), rad."""
    unused: tuple[str, ...]
    """Numbers of the data set that are of no joint here."""

    @classmethod
    def of(cls, info: LerobotInfo, config: LerobotConfig, contract: Contract) -> "LerobotJoints":
        """Find them. Raises UserError: a name is not in the data set, is there for two joints, or is no joint here."""
        names = contract.joint_names
        unknown = next((name for name in config.joints if name not in names), None)
        if unknown is not None:
            raise UserError(f"algorithm.lerobot.joints: no joint {unknown!r}; valid: {', '.join(names)}")
        theirs = [config.name_of(name) for name in names]
        twice = next((name for name in theirs if theirs.count(name) > 1), None)
        if twice is not None:
            raise UserError(f"algorithm.lerobot.joints: {twice!r} is the name of two joints; valid: one each")
        scales = [_scale(joint, config) for joint in contract.robot.joints]
        all_of_them = dict.fromkeys(name for feature in (STATE, ACTION) for name in info.names[feature])
        return cls(
            {feature: _columns(info, feature, names, theirs) for feature in (STATE, ACTION)},
            slope=np.array([slope for slope, _ in scales]),
            zero=np.array([zero for _, zero in scales]),
            unused=tuple(name for name in all_of_them if name not in theirs),
        )

    def angles(self, feature: str, numbers: Float64Array) -> Float64Array:
        """Return the angles, (n, J), rad, of all numbers of a feature, (n, width)."""
        angles: Float64Array = self.zero + self.slope * numbers[:, self.columns[feature]]
        return angles


def _columns(info: LerobotInfo, feature: str, names: tuple[str, ...], theirs: list[str]) -> list[int]:
    there = info.names[feature]
    for name, wanted in zip(names, theirs, strict=True):
        if wanted not in there:
            raise UserError(
                f"{info.path}: {feature} has no {wanted!r}, for the joint {name!r}; there are: {', '.join(there)}; "
                f"algorithm.lerobot.joints.{name}.name says which"
            )
    return [there.index(wanted) for wanted in theirs]


def _scale(joint: JointSpec, config: LerobotConfig) -> tuple[float, float]:
    """Return slope and zero of a joint, rad for each unit, and rad."""
    own, units = config.joints.get(joint.name, LerobotJointConfig()), config.units_of(joint.name)
    low, high = own.range or (joint.position_min, joint.position_max)
    if units == "range_m100_100":
        return (high - low) / 200.0, 0.5 * (low + high)
    if units == "range_0_100":
        return (high - low) / 100.0, low
    return own.direction * (radians(1.0) if units == "deg" else 1.0), own.zero
