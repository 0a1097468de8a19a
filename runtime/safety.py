"""Safety: checks readings and bounds commands. Small, pure, deny by default; NaN fails every comparison.

No I/O and no clock: time is an argument. Its parts are in `sim2real.runtime.envelope`.
"""

from math import inf
from typing import Literal, assert_never

from sim2real.configs.schema.safety import Reaction
from sim2real.hardware.clock import NS_PER_S, ns_from_s
from sim2real.hardware.types import ImuState, Int64Array, JointCommand, JointState
from sim2real.runtime.contract.robot import ImuSpec, RobotSpec
from sim2real.runtime.contract.signals import Float32Array
from sim2real.runtime.contract.spec import ObservationTermSpec
from sim2real.runtime.envelope.damping_budget import DampingBudget
from sim2real.runtime.envelope.imu_watch import ImuWatch
from sim2real.runtime.envelope.joint_bounds import EFFORT_FACTOR_MAX as EFFORT_FACTOR_MAX
from sim2real.runtime.envelope.joint_bounds import JointBounds
from sim2real.runtime.envelope.joint_watch import JointWatch
from sim2real.runtime.envelope.missed_share import MissedShare
from sim2real.runtime.envelope.observation_range import ObservationRange
from sim2real.runtime.envelope.reaction import reaction_to
from sim2real.runtime.envelope.settings import SafetySettings
from sim2real.runtime.limits import CommandLimits
from sim2real.runtime.verdict import ALL_WELL, Level, Reason, Verdict, Violation, verdict_of


class Safety:
    """The safety of one robot.

    Readings inside all bounds pass in array operations without a branch for each joint.

    Args:
        robot: Limits of the joints.
        settings: The envelope, and limits that are not part of the contract.
        period_s: Control period, s.
        imus: Those that the policy depends on: none, or all of the robot's. With a limit of tilt, all are depended on.
        observation: The blocks of the observation, with the ranges seen in training.
    """

    def __init__(
        self,
        robot: RobotSpec,
        settings: SafetySettings,
        period_s: float,
        imus: tuple[ImuSpec, ...] = (),
        observation: tuple[ObservationTermSpec, ...] = (),
    ) -> None:
        self._settings = settings
        self._joints = robot.joints
        self._limits = CommandLimits(robot, settings, period_s)
        self._bounds = JointBounds(robot, settings, period_s)
        self._watch = JointWatch(robot, settings)
        self._imus = ImuWatch(robot.imus if settings.tilt_max < inf else imus, settings.tilt_max)
        self._range = ObservationRange(observation)
        self._damping = DampingBudget(ns_from_s(settings.damping_max), ns_from_s(settings.damping_recovery))
        self._missed = MissedShare(round(settings.missed_share_window / period_s))
        self._age_max_ns = ns_from_s(settings.envelope.reading_age_max)
        # Far in the past: without a call of `begin` every check fails.
        self._complete_ns = -(2**62)

    @property
    def requested(self) -> JointCommand:
        """The last command before it was limited, for reports."""
        return self._limits.requested

    @property
    def missed_share(self) -> float:
        """Share of missed ticks in the last `missed_share_window`, 0 to 1."""
        return self._missed.share

    def begin(self, state: JointState, now_ns: int) -> None:
        """Start checking, from a reading after torque was switched on: the first targets are where the joints are."""
        self._complete_ns = now_ns
        self._limits.begin(state)
        self._bounds.begin(state, now_ns)
        self._watch.begin(state)
        self._damping.begin(now_ns)
        self._missed.begin()

    def check(
        self,
        readings: JointState,
        now_ns: int,
        missed_ticks: int,
        imus: ImuState | None = None,
        *,
        missed: int = 0,
        operator_alive_ns: int = -1,
    ) -> Verdict:
        """Check the readings of a tick.

        Args:
            readings: State of all joints after this tick's read.
            now_ns: Time after the read.
            missed_ticks: Ticks missed in a row before this one.
            imus: Readings of the robot's IMUs after this tick's read; needed where they are depended on.
            missed: Ticks missed immediately before this one.
            operator_alive_ns: Time of the last sign of life from the operator's device; -1 while none is in use.

        Returns:
            The verdict; a constant when all is well.
        """
        bounds, found = self._bounds, []
        in_order = bounds.check(readings, now_ns)
        if bounds.plausible:
            self._limits.budget.update(readings, bounds.elapsed_s)
            if not self._watch.update(readings, self._limits.target, bounds.elapsed_s):
                found = self._watch.violations()
        if not in_order:
            found += self._with_buses(bounds.violations())
        if 0 not in readings.fresh.tobytes():
            self._complete_ns = min(readings.stamp_ns.tolist())
        self._damping.advance(now_ns)
        self._missed.add(missed)
        found += self._imus.check(imus, now_ns)
        found += self._robot_violations(now_ns, missed_ticks, operator_alive_ns)
        return verdict_of(tuple(found)) if found else ALL_WELL

    def see(self, observation: tuple[ObservationTermSpec, ...]) -> None:
        """Check observations against the ranges of another policy from now on."""
        self._range = ObservationRange(observation)

    def check_observation(self, observation: Float32Array) -> Verdict:
        """Check what the policy is about to see against the ranges seen in training.

        Args:
            observation: (O,), after the contract's scales and clips.

        Returns:
            The verdict; OK with its reasons where the YAML has values outside counted only.
        """
        found = self._range.check(observation) if self._range.limited else ()
        if not found:
            return ALL_WELL
        levels: dict[Literal["count", "damp", "fault"], Level]
        levels = {"count": Level.OK, "damp": Level.DAMP, "fault": Level.FAULT}
        return Verdict(levels[self._settings.observation_range], Reason.OBSERVATION_RANGE, found)

    def reaction(self, verdict: Verdict) -> Reaction:
        """Return what the robot does after a fault: the strongest reaction to its reasons."""
        return reaction_to(verdict, self._settings.on_fault)

    def allow_for(self, elapsed_s: float) -> None:
        """Set how long ago the last command was, s; see `CommandLimits.allow_for`."""
        self._limits.allow_for(elapsed_s)

    def limit(self, command: JointCommand, state: JointState) -> Int64Array:
        """Bring a command inside the limits in place; see `CommandLimits.limit`."""
        return self._limits.limit(command, state)

    def damp(self, command: JointCommand, state: JointState) -> Int64Array:
        """Overwrite a command with damping, from readings that were recent in the last check; see `CommandLimits`.

        The time until the next check is taken off the damping budget.
        """
        self._damping.note_damping()
        return self._limits.damp(command, state, self._bounds.recent)

    def react(self, reaction: Reaction, command: JointCommand, state: JointState) -> Int64Array:
        """Overwrite a command with the reaction to a fault, which has its own time; see `CommandLimits`.

        For `off`, which is no command, this is `limp`.
        """
        match reaction:
            case "damp":
                return self._limits.damp(command, state, self._bounds.recent)
            case "hold":
                return self.hold(command, state)
            case "limp" | "off":
                return self.limp(command, state)
            case _:
                assert_never(reaction)

    def hold(self, command: JointCommand, state: JointState) -> Int64Array:
        """Overwrite a command with one that keeps every joint where it is; see `CommandLimits.hold`."""
        return self._limits.hold(command, state, self._bounds.recent)

    def limp(self, command: JointCommand, state: JointState) -> Int64Array:
        """Overwrite a command with one without effort; see `CommandLimits.limp`."""
        return self._limits.limp(command, state)

    def _robot_violations(self, now_ns: int, missed_ticks: int, operator_alive_ns: int) -> list[Violation]:
        """Check what is about no single part."""
        settings, found = self._settings, []
        if not 0 <= missed_ticks <= settings.envelope.missed_ticks_max:
            limit = float(settings.envelope.missed_ticks_max)
            found.append(Violation(Reason.MISSED_TICKS, -1, float(missed_ticks), limit))
        if not self._missed.share <= settings.missed_share_max:
            found.append(Violation(Reason.MISSED_SHARE, -1, self._missed.share, settings.missed_share_max))
        age_ns = now_ns - self._complete_ns
        if not 0 <= age_ns <= self._age_max_ns:
            found.append(Violation(Reason.STALE_READING, -1, age_ns / NS_PER_S, settings.envelope.reading_age_max))
        if self._damping.over:
            spent_s = self._damping.spent_ns / NS_PER_S
            found.append(Violation(Reason.DAMPING_TOO_LONG, -1, spent_s, settings.damping_max))
        silence_s = (now_ns - operator_alive_ns) / NS_PER_S
        if operator_alive_ns >= 0 and not 0.0 <= silence_s <= settings.operator_timeout:
            found.append(Violation(Reason.OPERATOR_LOST, -1, silence_s, settings.operator_timeout))
        return found

    def _with_buses(self, found: list[Violation]) -> list[Violation]:
        """Replace the losses of all joints of a bus with the loss of the bus."""
        lost = {violation.joint: violation for violation in found if violation.reason is Reason.COMMUNICATION_LOSS}
        for bus in range(len(self._settings.buses)):
            joints = [index for index, joint in enumerate(self._settings.joints) if joint.bus == bus]
            if len(joints) > 1 and all(index in lost for index in joints):
                worst = max((lost[index] for index in joints), key=lambda violation: violation.value)
                found = [violation for violation in found if lost.get(violation.joint) is not violation]
                found.append(worst._replace(reason=Reason.BUS_LOSS, joint=bus))
        return found
