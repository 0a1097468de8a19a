"""What joints do over time: they follow their targets, do not push against something, and their encoders turn."""

from typing import Final

import numpy as np

from sim2real.hardware.flags import flags
from sim2real.hardware.types import BoolArray, Float64Array, JointState
from sim2real.runtime.contract.robot import RobotSpec
from sim2real.runtime.envelope.settings import SafetySettings
from sim2real.runtime.envelope.stuck_encoder import StuckEncoder
from sim2real.runtime.envelope.target_motion import POSITION_TRACKING_MODES
from sim2real.runtime.verdict import Reason, Violation

STALL_TRAVEL: Final = 0.02
"""rad; a joint that moves less than this does not move: it is as far as the play of a worn gear."""


class JointWatch:
    """Times for which joints have not done what they must. They add up from reading to reading.

    Args:
        robot: Modes and limits of the joints.
        settings: Tracking errors, stall efforts and times.
    """

    def __init__(self, robot: RobotSpec, settings: SafetySettings) -> None:
        joints = len(robot.joints)
        followed = np.array([joint.mode in POSITION_TRACKING_MODES for joint in robot.joints])
        self._error_max = np.where(followed, [joint.tracking_error_max for joint in settings.joints], np.inf)
        self._stall_effort = np.array([joint.stall_effort for joint in settings.joints])
        self._tracks = bool((self._error_max < np.inf).any())
        self._stalls = bool((self._stall_effort < np.inf).any())
        self._time_max = settings.tracking_time
        self._frozen_after = settings.frozen_after
        self._encoders = StuckEncoder(robot, settings.frozen_after)
        self._tracking, self._stall = np.zeros(joints), np.zeros(joints)  # s
        self._anchor = np.full(joints, np.nan)
        self._error, self._effort, self._work = np.zeros(joints), np.zeros(joints), np.zeros(joints)
        self._far, self._far_memory = flags(joints)
        self._stalled, self._stalled_memory = flags(joints)

    def begin(self, readings: JointState) -> None:
        """Start from the readings before the first command."""
        self._tracking.fill(0.0)
        self._stall.fill(0.0)
        np.copyto(self._anchor, readings.position)
        self._encoders.begin(readings)

    def update(self, readings: JointState, target: Float64Array, elapsed_s: Float64Array) -> bool:
        """Follow the readings of a tick; tell whether all joints do what they must.

        Args:
            readings: Positions, velocities and efforts, all of them finite.
            target: (J,), rad: the last position targets, where a joint follows one.
            elapsed_s: (J,), s since each joint's last reading; 0 where it did not answer.
        """
        error = self._error
        np.subtract(target, readings.position, error)
        well = self._encoders.update(readings, error, elapsed_s)
        if self._tracks:
            np.greater(np.abs(error, self._work), self._error_max, self._far)
            well = self._all_brief(self._tracking, self._far, self._far_memory, elapsed_s) and well
        if self._stalls:
            self._update_stalled(readings)
            well = self._all_brief(self._stall, self._stalled, self._stalled_memory, elapsed_s) and well
        return well

    def _update_stalled(self, readings: JointState) -> None:
        """Find the joints that push without moving; the others are where they have moved to."""
        stalled, position = self._stalled, readings.position
        np.greater(np.abs(readings.effort, self._effort), self._stall_effort, stalled)
        if 1 in self._stalled_memory:
            np.logical_and(stalled, np.abs(position - self._anchor) <= STALL_TRAVEL, out=stalled)
            np.copyto(self._anchor, position, where=~stalled)
        else:
            self._anchor[:] = position

    def _all_brief(self, timer: Float64Array, flag: BoolArray, memory: bytearray, elapsed_s: Float64Array) -> bool:
        """Add the time where a flag is set, start again from zero elsewhere; tell whether none is too long."""
        if 1 not in memory:
            timer.fill(0.0)
            return True
        np.add(timer, elapsed_s, timer)
        np.multiply(timer, flag, timer)
        return float(timer.max()) <= self._time_max

    def violations(self) -> list[Violation]:
        """Return what is wrong with the joints since the last update."""
        found: list[Violation] = []
        for index, frozen in enumerate(self._encoders.time.tolist()):
            if self._tracking[index] > self._time_max:
                error = abs(float(self._error[index]))
                found.append(Violation(Reason.TRACKING, index, error, float(self._error_max[index])))
            if self._stall[index] > self._time_max:
                effort = float(self._effort[index])
                found.append(Violation(Reason.STALLED, index, effort, float(self._stall_effort[index])))
            if frozen > 0.0:
                found.append(Violation(Reason.JOINT_FROZEN, index, frozen, self._frozen_after))
        return found
