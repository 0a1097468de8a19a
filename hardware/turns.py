"""The turn in which a joint is: a single-turn encoder leaves it open, the joint's limits decide it."""

import math
from dataclasses import dataclass

from sim2real.configs.schema.robot import JointConfig

_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Window:
    """The joint angles at which a joint can be: its position limits, and a margin on both sides."""

    low: float
    """rad"""
    high: float
    """rad"""
    margin: float
    """rad"""

    @classmethod
    def of(cls, joint: JointConfig, margin: float) -> "Window":
        """Return the window of a joint with this margin (rad), `safety.position_margin`."""
        return cls(*joint.position_limits, margin)

    @property
    def within_a_turn(self) -> bool:
        """Whether the position limits span less than one turn; if not, only the motor's own count tells the turn."""
        return self.high - self.low < math.tau - _ROUNDING

    @property
    def middle(self) -> float:
        """Middle of the position limits, rad."""
        return (self.low + self.high) / 2.0

    def turns(self, angle: float) -> int:
        """Return how many turns to add to a joint angle (rad) so that it lies nearest to the middle."""
        return -math.floor((angle - self.middle) / math.tau + 0.5) if self.within_a_turn else 0

    def problem(self, angle: float) -> str | None:
        """Return why no turn, or more than one, puts a joint angle (rad) into the window; None if exactly one does."""
        if not self.within_a_turn:
            return None
        laid = angle + self.turns(angle) * math.tau
        low, high = self.low - self.margin - _ROUNDING, self.high + self.margin + _ROUNDING
        fitting = [other for turn in (-1, 0, 1) if low <= (other := laid + turn * math.tau) <= high]
        if len(fitting) == 1:
            return None
        limits = f"{_degrees(self.low)} to {_degrees(self.high)}, margin {_degrees(self.margin)}"
        if not fitting:
            return (
                f"no turn fits: it reads {_degrees(laid)}, outside its position limits ({limits}); move it into its "
                "range by hand, or calibrate it again with `sim2real motors calibrate`"
            )
        angles = " or ".join(_degrees(other) for other in fitting)
        return (
            f"{len(fitting)} turns fit: it may be at {angles} within its position limits ({limits}); move it away "
            "from the end of its range by hand, or reduce safety.position_margin"
        )


def _degrees(angle: float) -> str:
    return f"{math.degrees(angle):.1f}°"


def joint_angle(joint: JointConfig, motor_angle: float) -> float:
    """Return the joint angle at a motor angle, rad, without a turn added."""
    return joint.direction * (motor_angle - joint.zero)


def motor_turns(joint: JointConfig, window: Window, motor_angle: float) -> int:
    """Return how many turns to add to a motor angle (rad) so that the joint is in its window."""
    return joint.direction * window.turns(joint_angle(joint, motor_angle))


def turn_notice(turns: int) -> str:
    """Return the notice for a motor whose reading is off by whole turns."""
    many = "one turn" if abs(turns) == 1 else f"{abs(turns)} turns"
    return f"its encoder reads {many} too {'little' if turns > 0 else 'much'} for its position limits; corrected"


def fits_one_turn(joint: JointConfig, window: Window, counts: int) -> bool:
    """Return whether an encoder of so many counts per turn expresses the whole window without passing its end."""
    step = math.tau / counts
    ends = (joint.direction * angle + joint.zero for angle in (window.low - window.margin, window.high + window.margin))
    low, high = sorted(end / step for end in ends)
    base = math.floor((low + _ROUNDING) / counts) * counts
    return high - base <= counts - 1 + _ROUNDING
