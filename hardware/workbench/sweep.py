"""The sweep of one joint to both of its ends by hand: sense, coverage, and where the encoder's turn ends."""

import math
from dataclasses import dataclass
from typing import Final, Literal, Protocol

from sim2real.configs.schema.robot import JointConfig
from sim2real.hardware.turns import Window, fits_one_turn

TOLERANCE: Final = math.radians(4.0)
"""rad by which an end may lie inside of its position limit: a hand, the backlash of the gears, a soft stop."""

HALF_MAX: Final = math.radians(170.0)
"""rad from the start to an end: beyond half a turn its sense would be read the wrong way round."""

HALF_MIN: Final = 0.1
"""rad from the start to an end that show a direction; more than the backlash of gears."""


class Swept(Protocol):
    """A joint that a hand moves; see `WorkbenchJoint`."""

    @property
    def name(self) -> str:
        """Name of the joint."""

    @property
    def config(self) -> JointConfig:
        """The joint."""

    @property
    def position_margin(self) -> float:
        """How far the joint may be outside its position limits, rad."""

    def motor_angle(self) -> float:
        """Return the motor angle as read after a power cycle, rad."""


@dataclass(frozen=True, slots=True)
class Sweep:
    """The ends of a joint, as joint angles from the start pose, rad; `problem` is empty if they fit the limits."""

    direction: Literal[1, -1]
    low: float
    high: float
    problem: str


def can_sweep(joint: JointConfig, start: float) -> bool:
    """Return whether both ends are less than half a turn from the start, a joint angle in rad."""
    low, high = joint.position_limits
    return HALF_MIN < high - start <= HALF_MAX and HALF_MIN < start - low <= HALF_MAX


def judge_sweep(joint: JointConfig, start: float, to_high: float, to_low: float) -> Sweep:
    """Judge the moves of the motor from the start (a joint angle, rad) to the upper and to the lower end, rad."""
    direction: Literal[1, -1] = 1 if to_high > 0.0 else -1
    high, low = start + abs(to_high), start - abs(to_low)
    wanted_low, wanted_high = joint.position_limits
    if min(abs(to_high), abs(to_low)) < HALF_MIN:
        problem = f"it moved only {_degrees(min(abs(to_high), abs(to_low)))}"
    elif to_high * to_low > 0.0:
        problem = "both ends are on the same side of the start"
    else:
        problem = _coverage(low, high, wanted_low, wanted_high)
    return Sweep(direction, low, high, problem)


def seam_notice(joint: JointConfig, margin: float) -> str:
    """Return what to say if the range of a calibrated joint crosses the end of its encoder's turn; else nothing."""
    window = Window.of(joint, margin)
    if not window.within_a_turn or fits_one_turn(joint, window, joint.motor.counts_per_revolution):
        return ""
    low = min(joint.direction * angle + joint.zero for angle in (window.low - margin, window.high + margin))
    width = window.high - window.low + 2.0 * margin
    first = low % math.tau
    seam = low - first + math.tau
    at = _degrees(joint.direction * (seam - joint.zero))
    text = f"its range crosses the end of the encoder's turn, at a joint angle of {at}; its turn is found at every open"
    over = first + width - math.tau
    if width >= math.tau:
        return f"{text}; no horn position avoids it"
    turn = -over if over <= math.tau - first else math.tau - first
    return (
        f"{text}. To avoid it, mount the horn so that the motor reads {abs(math.degrees(turn)):.0f}° "
        f"{'more' if turn > 0.0 else 'less'}, or shift the motor's own offset by that, and calibrate again"
    )


def _coverage(low: float, high: float, wanted_low: float, wanted_high: float) -> str:
    missing_low, missing_high = low - wanted_low, wanted_high - high
    if max(missing_low, missing_high) <= TOLERANCE:
        return ""
    ends = f"its ends are at {_degrees(low)} and {_degrees(high)}, its position limits are {_degrees(wanted_low)} to "
    ends += _degrees(wanted_high)
    if missing_low + missing_high <= 2.0 * TOLERANCE:
        off = (missing_low - missing_high) / 2.0
        return f"{ends}: the range is there, so the start pose was {_degrees(abs(off))} off"
    return f"{ends}: move it all the way, or set position_limits to what it can reach"


def _degrees(angle: float) -> str:
    return f"{math.degrees(angle):.1f}°"
