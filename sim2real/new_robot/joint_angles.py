"""Limits, start pose and zero of a joint from its range and pose in the model."""

import math
from dataclasses import dataclass

from sim2real.configs.errors import ConfigError
from sim2real.new_robot.mjcf import ModelJoint
from sim2real.new_robot.start_values import two_digits

HALF_TURN = 180.0
"""Degrees."""
_TRAVEL = 0.01  # m/rad, of a slide without range: a pinion of 20 mm diameter


@dataclass(frozen=True)
class Angles:
    """Angles of one joint in degrees, rounded to 0.0001 as in the YAML, with the text of their `check:` marks."""

    low: float
    high: float
    limits_check: str
    default: float
    default_check: str
    """Empty if the start pose is the model's."""
    zero: float
    zero_check: str
    travel: float | None = None
    """Travel of a slide, m per radian of the motor."""

    @property
    def exceeds_half_turn(self) -> bool:
        """Whether the limits exceed the encoder turn centred on the joint's zero."""
        return not -HALF_TURN <= self.low < self.high <= HALF_TURN


def angles_of(joint: ModelJoint, centre: float) -> Angles:
    """Return the angles of a joint, of a slide those of its pinion; the limits are rounded into the model's range.

    Args:
        joint: The joint in the model.
        centre: Motor angle at the middle of the encoder's turn, degrees.

    Raises:
        ConfigError: The range is too narrow for four decimals of a degree.
    """
    travel = _travel(joint) if joint.slides else None
    unit = 1.0 if travel is None else travel
    if joint.range is None:
        low, high, limits_check = -HALF_TURN, HALF_TURN, "the model has no range"
    else:
        low, high = _up(math.degrees(joint.range[0] / unit)), -_up(-math.degrees(joint.range[1] / unit))
        limits_check = "the model's range; stay inside the mechanical stops"
    if not low < high:
        raise ConfigError(f"joint {joint.name!r} has no range to move in: {low:g} to {high:g} deg")
    pose = round(math.degrees(joint.position / unit), 4)
    default = min(max(pose, low), high)
    zero, zero_check = centre, "motor angle at joint angle 0"
    if high - low > 2.0 * HALF_TURN:
        limits_check += "; more than one turn, and after power-on the motor does not know which turn it is in"
    elif not -HALF_TURN <= low < high <= HALF_TURN:
        zero = round(centre - (low + high) / 2.0, 4)
        zero_check += ", chosen so that the limits lie within one turn of the encoder"
    return Angles(
        low=low,
        high=high,
        limits_check=limits_check,
        default=default,
        default_check="" if default == pose else f"the limit nearest to the model's pose, {pose:.7g} deg",
        zero=zero,
        zero_check=zero_check,
        travel=travel,
    )


def _travel(joint: ModelJoint) -> float:
    """Return a travel with which three quarters of a turn cover the range of a slide, two digits, m/rad."""
    if joint.range is None:
        return _TRAVEL
    return two_digits((joint.range[1] - joint.range[0]) / (1.5 * math.pi))


def _up(degrees: float) -> float:
    """Round up to 0.0001, with a tolerance of 1e-10 for the rounding of radians to degrees."""
    return math.ceil(degrees * 1e4 - 1e-6) / 1e4
