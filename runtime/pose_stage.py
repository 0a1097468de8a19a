"""The part of a tick that moves the robot to a pose: to the start pose before the policy, to the rest pose after it."""

from enum import Enum, auto

import numpy as np

from sim2real.configs.schema.robot import RobotConfig
from sim2real.runtime.contract.robot import RobotSpec
from sim2real.runtime.limits import POSITION_TRACKING_MODES
from sim2real.runtime.pose import PoseRamp
from sim2real.runtime.record import TickRecord
from sim2real.runtime.safety import Safety
from sim2real.runtime.verdict import Level, Reason, Verdict, Violation


class PoseStep(Enum):
    """What becomes of one tick on the way to a pose."""

    DAMP = auto()
    """No target: the readings are not in order, or not yet."""
    MOVE = auto()
    """The next target is in the command, before safety's limits."""
    ARRIVED = auto()
    """Like MOVE, and the pose is reached."""
    LATE = auto()
    """The time for the way is over; there is no target."""


class PoseStage:
    """Moves one robot to its poses.

    Args:
        spec: Modes, gains and limits of the joints.
        robot: Speeds, times, and the pose of rest, if there is one.
        record: The loop's buffers: readings are read, the command is written.
        safety: Begins anew from the reading from which the robot starts to move.
    """

    def __init__(self, spec: RobotSpec, robot: RobotConfig, record: TickRecord, safety: Safety) -> None:
        self._record, self._safety = record, safety
        self._start = PoseRamp.to_start(spec, robot.ready)
        self._rest = PoseRamp.to_rest(spec, robot.rest, robot.ready)
        self.has_rest = robot.rest is not None
        """Whether the robot has a pose of rest."""
        self.lowered = False
        """Whether the robot has reached its pose of rest, or the time for that is over."""
        self.late_to_rest = False
        """Whether the pose of rest was not reached in time."""
        self._tracks_position = np.array([joint.mode in POSITION_TRACKING_MODES for joint in spec.joints])
        self._lowering_from = np.zeros(len(spec.joints))
        self._pending = self._interrupted = False

    def begin(self) -> None:
        """Move to the start pose from now on: from the next reading that is in order, wherever it finds the robot."""
        self._pending, self._interrupted = True, False

    def interrupt(self) -> None:
        """Start the way again from where the robot is when it goes on; the time for it keeps running."""
        self._interrupted = True

    def begin_lowering(self) -> None:
        """Move to the pose of rest from now on: from the last targets, or where a joint follows none, its position."""
        record, commanded = self._record, not self._pending
        self.lowered = self.late_to_rest = False
        self._pending = self._interrupted = False
        np.copyto(self._lowering_from, record.joints.position)
        np.copyto(self._lowering_from, record.command.position, where=self._tracks_position & commanded)
        self._rest.begin(self._lowering_from, record.time_ns)

    def to_start(self, verdict: Verdict) -> PoseStep:
        """Take the next step to the start pose, on readings with this verdict."""
        record, ramp = self._record, self._start
        if self._pending and verdict.level is Level.OK:
            # The first command is the pose of this reading, whatever the robot did while it was switched on.
            self._pending = False
            self._safety.begin(record.joints, record.time_ns)
            ramp.begin(record.joints.position, record.time_ns)
        if not self._pending and ramp.late(record.time_ns):
            return PoseStep.LATE
        return self._step(ramp, verdict)

    def to_rest(self, verdict: Verdict) -> PoseStep:
        """Take the next step to the pose of rest, on readings with this verdict."""
        if self._rest.late(self._record.time_ns):
            self.lowered = self.late_to_rest = True
            return PoseStep.LATE
        step = self._step(self._rest, verdict)
        self.lowered |= step is PoseStep.ARRIVED
        return step

    def missed_start(self) -> Violation:
        """Return by how much the start pose was missed, by the joint that is farthest from it."""
        joint, position, goal = self._start.farthest(self._record.joints)
        return Violation(Reason.START_POSE, joint, position, goal)

    def _step(self, ramp: PoseRamp, verdict: Verdict) -> PoseStep:
        record = self._record
        if verdict.level is not Level.OK or self._pending:
            return PoseStep.DAMP
        if self._interrupted:
            self._interrupted = False
            ramp.restart(record.joints.position, record.time_ns)
        ramp.command(record.command, record.joints, record.time_ns)
        return PoseStep.ARRIVED if ramp.reached(record.joints, record.time_ns) else PoseStep.MOVE
