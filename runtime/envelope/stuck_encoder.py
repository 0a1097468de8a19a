"""Stuck encoders: positions that stay where they are, although the joints must have moved."""

from typing import Final

import numpy as np

from sim2real.hardware.flags import flags
from sim2real.hardware.types import Float64Array, JointState
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

_POSITION, _ERROR, _WHOLE_ERROR, _EFFORT = range(4)


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
        self._all_servo, self._any_impedance = bool(self._servo.all()), bool(self._impedance.any())
        self._threshold = np.array([_threshold(joint) for joint in robot.joints])
        self._below = -self._threshold
        # Nothing is missing where the effort is not the servo's own.
        self._stiffness = np.array([joint.stiffness * MISSING_EFFORT for joint in robot.joints]) * self._servo
        self._effort_max = np.array([joint.effort_max * MISSING_EFFORT for joint in robot.joints])
        self._frozen_after = frozen_after
        self._drive_time, self._varied_time = frozen_after * DEMAND_SHARE, frozen_after * VARIED_SHARE
        self.time: Float64Array = np.zeros(joints)
        """(J,), s for which each position has stayed; 0 without evidence against it."""
        # What is looked at, in the order of the rows, now and when a joint last moved; of the whole error that is none.
        self._values, self._before = np.zeros((3, joints)), np.zeros((3, joints))
        self._before[_POSITION] = np.nan
        self._last_moved, self._effort_before = self._before[: _ERROR + 1], np.zeros(joints)
        # How far it is from there, and the effort of a servo's control law, with the most that says nothing.
        self._sizes, self._most = np.zeros((4, joints)), np.tile(self._threshold, (4, 1))
        self._differences = self._sizes[: _WHOLE_ERROR + 1]
        self._most[_POSITION] = NOISE
        self._inside = np.zeros((4, joints), np.bool_)
        # Since a joint last moved. For how long, s: still; driven up, and down, without a break; a servo without the
        # effort of its control law, without a break; the longest times driven; at another effort. Travel by velocity.
        self._since_moved = np.zeros((8, joints))
        self._lasting, self._longest = self._since_moved[:4], self._since_moved[4:6]
        self._still, self._driven, self._slack = self._lasting[0], self._lasting[1:3], self._lasting[3]
        self._varied, self._travel = self._since_moved[6:]
        # What lasts of it now: standing still always does, for joints that have moved start again.
        self._now, self._lasts = np.ones((4, joints), np.bool_), np.ones((4, joints))
        self._up, self._down, self._missing = self._now[1:]
        self._elapsed_s = np.zeros((4, joints))
        self._work, self._frozen = np.zeros(joints), np.full(joints, frozen_after)
        self._moved, self._moved_memory = flags(joints)
        self._flag = np.zeros(joints, np.bool_)
        self._brief, self._brief_memory = flags(joints)

    def begin(self, readings: JointState) -> None:
        """Start from the readings before the first command."""
        self.time.fill(0.0)
        self._since_moved.fill(0.0)
        self._before.fill(0.0)
        self._before[_POSITION] = readings.position
        self._effort_before[:] = readings.effort

    def update(self, readings: JointState, error: Float64Array, elapsed_s: Float64Array) -> bool:
        """Follow the readings of a tick; tell whether all encoders may be fine.

        Args:
            readings: Positions, velocities and efforts, all of them finite.
            error: (J,), rad: position targets less positions.
            elapsed_s: (J,), s since each joint's last reading; 0 where it did not answer.
        """
        self._look(readings, error)
        self._elapsed_s[:] = elapsed_s
        self._lasts[:] = self._now
        np.add(self._lasting, self._elapsed_s, self._lasting)
        np.multiply(self._lasting, self._lasts, self._lasting)
        np.maximum(self._longest, self._driven, out=self._longest)
        np.multiply(readings.velocity, elapsed_s, self._work)
        np.add(self._travel, self._work, self._travel)
        if self._any_impedance:
            self._update_varied(readings, elapsed_s)
        if 1 in self._moved_memory:
            self._start_again(readings)
        self.time.fill(0.0)
        np.less(self._still, self._frozen, self._brief)
        if 0 not in self._brief_memory:  # the usual tick
            return True
        evidence = (
            (self._longest.min(axis=0) >= self._drive_time)
            | (self._slack >= self._frozen_after)
            | (self._varied >= self._varied_time)
            | (np.abs(self._travel) >= FROZEN_TRAVEL)
        )
        np.copyto(self.time, self._still, where=evidence & (self._still >= self._frozen_after))
        return not self.time.any()

    def _look(self, readings: JointState, error: Float64Array) -> None:
        """Find out which joints have moved, which are driven up and down, and which servos give too little effort."""
        values, sizes, inside = self._values, self._sizes, self._inside
        values[_POSITION] = readings.position
        values[_ERROR] = values[_WHOLE_ERROR] = error
        np.subtract(values, self._before, self._differences)
        np.abs(self._differences, self._differences)
        np.multiply(sizes[_WHOLE_ERROR], self._stiffness, sizes[_EFFORT])
        np.minimum(sizes[_EFFORT], self._effort_max, out=sizes[_EFFORT])
        np.abs(readings.effort, self._most[_EFFORT])
        np.less_equal(sizes, self._most, inside)
        np.logical_not(inside[_POSITION], self._moved)
        np.logical_or(inside[_ERROR], inside[_WHOLE_ERROR], out=self._missing)
        np.logical_or(self._missing, inside[_EFFORT], out=self._missing)
        np.logical_not(self._missing, self._missing)
        drive = error
        if not self._all_servo:
            drive = self._work
            np.copyto(drive, readings.effort)
            np.copyto(drive, error, where=self._servo)
        np.greater(drive, self._threshold, self._up)
        np.less(drive, self._below, self._down)

    def _update_varied(self, readings: JointState, elapsed_s: Float64Array) -> None:
        """Add up how long a joint in impedance mode has measured another effort than when it last moved."""
        work, varied = self._work, self._flag
        np.subtract(readings.effort, self._effort_before, work)
        np.greater(np.abs(work, work), self._threshold, varied)
        np.logical_and(varied, self._impedance, out=varied)
        np.add(self._varied, elapsed_s, out=self._varied, where=varied)

    def _start_again(self, readings: JointState) -> None:
        """Start again where a joint has moved."""
        np.copyto(self._since_moved, 0.0, where=self._moved)
        np.copyto(self._last_moved, self._values[: _ERROR + 1], where=self._moved)
        if self._any_impedance:
            np.copyto(self._effort_before, readings.effort, where=self._moved)


def _threshold(joint: JointSpec) -> float:
    """Return what must move a joint: an error of a servo, rad, or an effort, N·m."""
    if joint.mode != "position":
        return DEMAND_EFFORT * joint.effort_max
    return max(DEMAND_ERROR, DEMAND_STIFFNESS * joint.effort_max / joint.stiffness) if joint.stiffness else DEMAND_ERROR
