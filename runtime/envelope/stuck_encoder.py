"""Stuck encoders: positions that stay where they are, although the joints must have moved."""

from typing import Final

import numpy as np

from sim2real.hardware.types import BoolArray, Float64Array, JointState
from sim2real.runtime.contract.robot import JointSpec, RobotSpec

NOISE: Final = 0.0075
"""rad; a position within this distance of where it was is noise of the encoder: five steps of a 12-bit one."""

DEMAND_ERROR: Final = 0.05
"""rad; a servo that is this far from its target must move, unless something stops it: more than a dead band of 32 steps
of a 12-bit encoder. Where its stiffness is known, the error must also be worth `DEMAND_STIFFNESS`."""

DEMAND_STIFFNESS: Final = 0.15
"""Share of the effort limit that a servo's control law must give at the error: more than the friction of its gear."""

DEMAND_EFFORT: Final = 0.25
"""Share of the effort limit at which a joint must move, unless something stops it."""

DEMAND_SHARE: Final = 0.25
"""Share of `frozen_after` for which a joint must have been driven each way: long enough to move by more than noise."""

VARIED_SHARE: Final = 0.75
"""Share of `frozen_after` for which the effort of a joint in impedance mode must have been another one. A leg that
stands while its effort changes stays within the noise for a third of it."""

MISSING_EFFORT: Final = 0.5
"""A servo that is held up gives the effort of its control law. One that measures less than this share of it is not held
up, whatever its encoder says, or its motor gives no torque."""

FROZEN_TRAVEL: Final = 0.05
"""rad; a velocity that adds up to this much travel contradicts a position that stays: several times its noise."""


class StuckEncoder:
    """Looks for joints that cannot be where they read.

    A position that stays where it is, but for noise, is not enough: a joint that stands still, or is at a mechanical
    stop, reads the same to the bit. It takes one of these besides, all since the joint last moved:

    - the joint was driven in both directions without a break, and something that stops a joint stops it in one;
    - it is a servo whose target moved away from it, and measures much less effort than one that is held up gives;
    - it is in impedance mode, and its effort changed: the encoder of such a motor is fine and before the gear, which
      gives way by many of its steps even where something stops the joint;
    - its velocity adds up to travel that its position does not show.

    Args:
        robot: Modes, stiffness and effort limits.
        frozen_after: s for which a position must have stayed.
    """

    def __init__(self, robot: RobotSpec, frozen_after: float) -> None:
        joints = len(robot.joints)
        # A motor in position mode computes its effort from the target; the others get theirs from here, and measure it
        # whether or not the joint moves.
        self._servo = np.array([joint.mode == "position" for joint in robot.joints])
        self._impedance = np.array([joint.mode == "impedance" for joint in robot.joints])
        self._any_servo, self._any_impedance = bool(self._servo.any()), bool(self._impedance.any())
        self._threshold = np.array([_threshold(joint) for joint in robot.joints])
        self._below = -self._threshold
        self._stiffness = np.array([joint.stiffness * MISSING_EFFORT for joint in robot.joints])
        self._effort_max = np.array([joint.effort_max * MISSING_EFFORT for joint in robot.joints])
        self._frozen_after = frozen_after
        self._drive_time, self._varied_time = frozen_after * DEMAND_SHARE, frozen_after * VARIED_SHARE
        self.time: Float64Array = np.zeros(joints)
        """(J,), s for which each position has stayed; 0 without evidence against it."""
        self._anchor = np.full(joints, np.nan)  # where each joint last moved to
        # Since a joint last moved, s: still; driven up and down, now and the longest time; servo without effort; at
        # another effort. Last, rad: travel by velocity.
        self._since_moved = np.zeros((8, joints))
        self._still, self._up, self._down, self._up_longest, self._down_longest = self._since_moved[:5]
        self._slack, self._varied, self._travel = self._since_moved[5:]
        self._error_before, self._effort_before = np.zeros(joints), np.zeros(joints)  # when a joint last moved
        self._same, self._moved, self._flag = (np.zeros(joints, np.bool_) for _ in range(3))
        self._work = np.zeros(joints)

    def begin(self, readings: JointState) -> None:
        """Start from the readings before the first command."""
        self.time.fill(0.0)
        self._since_moved.fill(0.0)
        np.copyto(self._anchor, readings.position)
        np.copyto(self._effort_before, readings.effort)
        self._error_before.fill(0.0)

    def update(self, readings: JointState, error: Float64Array, elapsed_s: Float64Array) -> bool:
        """Follow the readings of a tick; tell whether all encoders may be fine.

        Args:
            readings: Positions, velocities and efforts, all of them finite.
            error: (J,), rad: position targets less positions.
            elapsed_s: (J,), s since each joint's last reading; 0 where it did not answer.
        """
        np.subtract(readings.position, self._anchor, out=self._work)
        np.less_equal(np.abs(self._work, out=self._work), NOISE, out=self._same)
        np.logical_not(self._same, out=self._moved)
        np.copyto(self._anchor, readings.position, where=self._moved)
        np.copyto(self._since_moved, 0.0, where=self._moved)
        np.add(self._still, elapsed_s, out=self._still, where=self._same)
        np.multiply(readings.velocity, elapsed_s, out=self._work)
        np.add(self._travel, self._work, out=self._travel, where=self._same)
        self._update_drive(readings, error, elapsed_s)
        if self._any_servo:
            self._update_slack(readings, error, elapsed_s)
        if self._any_impedance:
            self._update_varied(readings, elapsed_s)
        self.time.fill(0.0)
        if float(self._still.max()) < self._frozen_after:  # the usual tick
            return True
        evidence = (
            (np.minimum(self._up_longest, self._down_longest) >= self._drive_time)
            | (self._slack >= self._frozen_after)
            | (self._varied >= self._varied_time)
            | (np.abs(self._travel) >= FROZEN_TRAVEL)
        )
        np.copyto(self.time, self._still, where=evidence & (self._still >= self._frozen_after))
        return not self.time.any()

    def _update_drive(self, readings: JointState, error: Float64Array, elapsed_s: Float64Array) -> None:
        """Add up how long each joint has been driven up, and down, without a break, and keep the longest time."""
        drive, driven = self._work, self._flag
        np.copyto(drive, readings.effort)
        np.copyto(drive, error, where=self._servo)
        np.greater(drive, self._threshold, out=driven)
        _add_while(self._up, driven, self._same, elapsed_s)
        np.maximum(self._up_longest, self._up, out=self._up_longest)
        np.less(drive, self._below, out=driven)
        _add_while(self._down, driven, self._same, elapsed_s)
        np.maximum(self._down_longest, self._down, out=self._down_longest)

    def _update_slack(self, readings: JointState, error: Float64Array, elapsed_s: Float64Array) -> None:
        """Add up how long a servo has measured too little effort, without a break, while its target moved away."""
        work, slack = self._work, self._flag
        np.copyto(self._error_before, error, where=self._moved)
        np.subtract(error, self._error_before, out=work)
        np.greater(np.abs(work, out=work), self._threshold, out=slack)
        np.abs(error, out=work)
        np.logical_and(slack, work > self._threshold, out=slack)
        np.multiply(work, self._stiffness, out=work)
        np.minimum(work, self._effort_max, out=work)
        np.logical_and(slack, np.abs(readings.effort) < work, out=slack)
        np.logical_and(slack, self._servo, out=slack)
        _add_while(self._slack, slack, self._same, elapsed_s)

    def _update_varied(self, readings: JointState, elapsed_s: Float64Array) -> None:
        """Add up how long a joint in impedance mode has measured another effort than when it last moved."""
        work, varied = self._work, self._flag
        np.copyto(self._effort_before, readings.effort, where=self._moved)
        np.subtract(readings.effort, self._effort_before, out=work)
        np.greater(np.abs(work, out=work), self._threshold, out=varied)
        np.logical_and(varied, self._impedance, out=varied)
        np.add(self._varied, elapsed_s, out=self._varied, where=varied)


def _add_while(timer: Float64Array, flag: BoolArray, same: BoolArray, elapsed_s: Float64Array) -> None:
    """Add the time where a flag is set and the joint has not moved; start again from zero elsewhere."""
    np.logical_and(flag, same, out=flag)
    np.add(timer, elapsed_s, out=timer)
    np.multiply(timer, flag, out=timer)


def _threshold(joint: JointSpec) -> float:
    """Return what must move a joint: an error of a servo, rad, or an effort, N·m."""
    if joint.mode != "position":
        return DEMAND_EFFORT * joint.effort_max
    return max(DEMAND_ERROR, DEMAND_STIFFNESS * joint.effort_max / joint.stiffness) if joint.stiffness else DEMAND_ERROR
