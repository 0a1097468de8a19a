"""What joints do over time: they follow their targets, move when they must, and do not push against something."""

from typing import Final

import numpy as np

from sim2real.hardware.types import BoolArray, Float64Array, JointState
from sim2real.runtime.contract.robot import RobotSpec
from sim2real.runtime.envelope.settings import SafetySettings
from sim2real.runtime.envelope.target_motion import POSITION_TRACKING_MODES
from sim2real.runtime.verdict import Reason, Violation

STALL_TRAVEL: Final = 0.02
"""rad; a joint that moves less than this does not move: it is as far as the play of a worn gear."""

DEMAND_ERROR: Final = 0.1
"""rad; a servo that is this far from its target must move, unless something stops it. Its dead band, and the friction
of its gear by its stiffness, are smaller."""

DEMAND_EFFORT: Final = 0.25
"""Share of the effort limit at which a joint must move, unless something stops it."""

DEMAND_SHARE: Final = 0.25
"""Share of `frozen_after` for which a joint must have been driven in each of both directions."""

MISSING_EFFORT: Final = 0.25
"""A servo at rest gives the effort of its control law. One that measures less than this share of it is not at rest,
whatever its encoder says, or its motor gives no torque."""

FROZEN_TRAVEL: Final = 0.05
"""rad; a velocity that adds up to this much travel contradicts a position that does not change: 32 steps of a 12-bit
encoder."""


class JointWatch:
    """Times, (J,) in seconds, for which each joint has not done what it must. They add up from reading to reading.

    Whether an encoder is stuck cannot be told from a position that does not change: a joint that stands still, or is at
    a mechanical stop, reads the same to the bit. It takes evidence that the joint cannot be where it was:

    - it was driven in both directions, and something that stops a joint stops it in one;
    - it is a servo far from its target, and measures much less effort than a servo that is held up gives;
    - its velocity adds up to travel that its position does not show.

    Args:
        robot: Modes and limits of the joints.
        settings: Tracking errors, stall efforts and times.
    """

    def __init__(self, robot: RobotSpec, settings: SafetySettings) -> None:
        joints = len(robot.joints)
        self._stalls = any(joint.stall_effort < np.inf for joint in settings.joints)
        self._time_max = settings.tracking_time
        followed = np.array([joint.mode in POSITION_TRACKING_MODES for joint in robot.joints])
        self.error_max = np.where(followed, [joint.tracking_error_max for joint in settings.joints], np.inf)
        self._tracks = bool((self.error_max < np.inf).any())
        self.stall_effort = np.array([joint.stall_effort for joint in settings.joints])
        # A motor in position mode computes its effort from the target; the others get theirs from here, and measure it
        # whether or not the joint moves.
        self._servo = np.array([joint.mode == "position" for joint in robot.joints])
        self._any_servo = bool(self._servo.any())
        self._threshold = np.array(
            [DEMAND_ERROR if joint.mode == "position" else DEMAND_EFFORT * joint.effort_max for joint in robot.joints]
        )
        self._below = -self._threshold
        self._stiffness = np.array([joint.stiffness * MISSING_EFFORT for joint in robot.joints])
        self._effort_max = np.array([joint.effort_max * MISSING_EFFORT for joint in robot.joints])
        self._drive_time = settings.frozen_after * DEMAND_SHARE
        self._frozen_after = settings.frozen_after
        self._position, self._anchor = np.full(joints, np.nan), np.full(joints, np.nan)
        self._error, self._effort, self._work = np.zeros(joints), np.zeros(joints), np.zeros(joints)
        self._flag, self._flag2 = np.zeros(joints, np.bool_), np.zeros(joints, np.bool_)
        self.tracking_time = np.zeros(joints)
        """How long each joint has been too far from its target."""
        self.stall_time = np.zeros(joints)
        """How long each joint has pushed without moving."""
        self.frozen_time = np.zeros(joints)
        """How long the position of each joint has not changed; 0 without evidence against it."""
        # Since the position last changed, s: still, driven up, driven down, without effort; rad: travel by velocity.
        self._since_change = np.zeros((5, joints))
        self._still, self._up, self._down, self._slack, self._travel = self._since_change

    def begin(self, readings: JointState) -> None:
        """Start from the readings before the first command."""
        for timer in (self.tracking_time, self.stall_time, self.frozen_time, self._since_change):
            timer.fill(0.0)
        np.copyto(self._position, readings.position)
        np.copyto(self._anchor, readings.position)

    def update(self, readings: JointState, target: Float64Array, elapsed_s: Float64Array) -> bool:
        """Follow the readings of a tick; tell whether all joints do what they must.

        Args:
            readings: Positions, velocities and efforts, all of them finite.
            target: (J,), rad: the last position targets; where a joint follows none, its position.
            elapsed_s: (J,), s since each joint's last reading; 0 where it did not answer.
        """
        np.subtract(target, readings.position, out=self._error)
        if self._tracks:
            np.abs(self._error, out=self._work)
            np.greater(self._work, self.error_max, out=self._flag)
            _add_where(self.tracking_time, self._flag, elapsed_s)
        if self._stalls:
            self._update_stall(readings, elapsed_s)
        self._update_frozen(readings, elapsed_s)
        np.copyto(self._effort, readings.effort)
        return not (
            (self._tracks and bool((self.tracking_time > self._time_max).any()))
            or (self._stalls and bool((self.stall_time > self._time_max).any()))
            or bool(self.frozen_time.any())
        )

    def violations(self) -> list[Violation]:
        """Return what is wrong with the joints since the last update."""
        found: list[Violation] = []
        for index in range(len(self._error)):
            if self.tracking_time[index] > self._time_max:
                error = abs(float(self._error[index]))
                found.append(Violation(Reason.TRACKING, index, error, float(self.error_max[index])))
            if self.stall_time[index] > self._time_max:
                effort = abs(float(self._effort[index]))
                found.append(Violation(Reason.STALLED, index, effort, float(self.stall_effort[index])))
            if self.frozen_time[index] > 0.0:
                found.append(Violation(Reason.JOINT_FROZEN, index, float(self.frozen_time[index]), self._frozen_after))
        return found

    def _update_stall(self, readings: JointState, elapsed_s: Float64Array) -> None:
        work, pushing = self._work, self._flag
        np.subtract(readings.position, self._anchor, out=work)
        np.abs(work, out=work)
        np.less_equal(work, STALL_TRAVEL, out=self._flag2)
        np.abs(readings.effort, out=work)
        np.greater(work, self.stall_effort, out=pushing)
        np.logical_and(pushing, self._flag2, out=pushing)
        _add_where(self.stall_time, pushing, elapsed_s)
        np.logical_not(pushing, out=pushing)
        np.copyto(self._anchor, readings.position, where=pushing)

    def _update_frozen(self, readings: JointState, elapsed_s: Float64Array) -> None:
        """Add to the times since each position last changed, and tell where they are evidence."""
        same, flag, work = self._flag, self._flag2, self._work
        np.equal(readings.position, self._position, out=same)
        np.copyto(self._position, readings.position)
        _add_where(self._still, same, elapsed_s)
        np.multiply(readings.velocity, elapsed_s, out=work)
        _add_where(self._travel, same, work)
        # What drives the joint: its error, or its effort.
        np.copyto(work, readings.effort)
        if self._any_servo:
            np.copyto(work, self._error, where=self._servo)
        np.greater(work, self._threshold, out=flag)
        _sum_where(self._up, same, flag, elapsed_s)
        np.less(work, self._below, out=flag)
        _sum_where(self._down, same, flag, elapsed_s)
        if self._any_servo:
            self._update_slack(readings, same, elapsed_s)
        if not (self._still >= self._frozen_after).any():  # the usual tick ends here
            self.frozen_time.fill(0.0)
            return
        evidence = (
            (np.minimum(self._up, self._down) >= self._drive_time)
            | (self._slack >= self._frozen_after)
            | (np.abs(self._travel) >= FROZEN_TRAVEL)
        )
        np.multiply(self._still, evidence & (self._still >= self._frozen_after), out=self.frozen_time)

    def _update_slack(self, readings: JointState, same: BoolArray, elapsed_s: Float64Array) -> None:
        """Add up how long a servo far from its target has measured too little effort, without a break."""
        expected, slack = self._work, self._flag2
        np.abs(self._error, out=expected)
        np.greater(expected, DEMAND_ERROR, out=slack)
        np.logical_and(slack, self._servo, out=slack)
        np.multiply(expected, self._stiffness, out=expected)
        np.minimum(expected, self._effort_max, out=expected)
        np.logical_and(slack, np.abs(readings.effort) < expected, out=slack)
        np.logical_and(slack, same, out=slack)
        _add_where(self._slack, slack, elapsed_s)


def _add_where(timer: Float64Array, flag: BoolArray, amount: Float64Array) -> None:
    """Add where a flag is set; start again from zero where it is not."""
    np.add(timer, amount, out=timer)
    np.copyto(timer, 0.0, where=~flag)


def _sum_where(timer: Float64Array, alive: BoolArray, flag: BoolArray, amount: Float64Array) -> None:
    """Add where a flag is set, keep where it is not; start again from zero where the timer is not alive."""
    np.add(timer, amount, out=timer, where=flag)
    np.copyto(timer, 0.0, where=~alive)
