"""Safety: checks readings and bounds commands. Small, pure, deny by default; NaN fails every comparison.

No I/O and no clock: time is an argument.
"""

from math import inf

import numpy as np

from sim2real.configs.schema.safety import Reaction
from sim2real.hardware.clock import NS_PER_S, ns_from_s
from sim2real.hardware.types import ImuFault, ImuState, Int64Array, JointCommand, JointState
from sim2real.runtime.contract.robot import ImuSpec, RobotSpec
from sim2real.runtime.contract.signals import Float32Array
from sim2real.runtime.envelope.reaction import reaction_to
from sim2real.runtime.envelope.settings import SafetySettings
from sim2real.runtime.limits import CommandLimits
from sim2real.runtime.verdict import ALL_WELL, Reason, Verdict, Violation, verdict_of

UNKNOWN_GRACE_NS = 2 * NS_PER_S
"""How long torque may be on while a joint's temperature or voltage is unknown: both are polled slowly."""

EFFORT_FACTOR_MAX = 2.0
"""A motor that measures more than this times its effort limit does not follow its commands."""


class Safety:
    """The safety of one robot.

    Readings inside all bounds pass in a few array operations; anything else is decided joint by joint in plain
    scalar code.

    Args:
        robot: Limits of the joints.
        settings: The envelope, and limits that are not part of the contract.
        period_s: Control period, s.
        imus: Those that the policy depends on: none, or all of the robot's.
    """

    def __init__(
        self, robot: RobotSpec, settings: SafetySettings, period_s: float, imus: tuple[ImuSpec, ...] = ()
    ) -> None:
        envelope = settings.envelope
        self._settings = settings
        self._joints = robot.joints
        self._envelope = envelope
        self._limits = CommandLimits(robot, settings, period_s)
        self._age_max_ns = ns_from_s(envelope.reading_age_max)
        self._loss_ns = ns_from_s(envelope.communication_loss)
        # Bounds of position, velocity, effort, temperature and voltage, (5, J).
        bounds = [
            (
                (joint.position_min - envelope.position_margin, joint.position_max + envelope.position_margin),
                (-joint.velocity_max - envelope.velocity_margin, joint.velocity_max + envelope.velocity_margin),
                (-joint.effort_max * EFFORT_FACTOR_MAX, joint.effort_max * EFFORT_FACTOR_MAX),
                (-inf, envelope.temperature_max),
                (envelope.voltage_min, envelope.voltage_max),
            )
            for joint in robot.joints
        ]
        self._low, self._high = (np.array([[row[side] for row in joint] for joint in bounds]).T for side in (0, 1))
        joints = len(robot.joints)
        self._values = np.zeros((5, joints))
        self._ok, self._ok2 = np.zeros((5, joints), np.bool_), np.zeros((5, joints), np.bool_)
        self._usable = np.zeros(joints, np.bool_)
        self._imus = imus
        self._imu_age_max_ns = [ns_from_s(imu.stale_after) for imu in imus]
        # Position and stamp of each joint's last reading. Before `begin` there is none, and NaN allows nothing.
        self._last_position, self._last_stamp_ns = np.full(joints, np.nan), np.zeros(joints, np.int64)
        self._elapsed_s, self._reach, self._lowest, self._highest = (np.zeros(joints) for _ in range(4))
        self._reach_ok, self._below = np.zeros(joints, np.bool_), np.zeros(joints, np.bool_)
        self._period_s = period_s
        # Far in the past: without a call of `begin` every check fails.
        self._begun_ns = self._complete_ns = -(2**62)

    @property
    def requested(self) -> JointCommand:
        """The last command before it was limited, for reports."""
        return self._limits.requested

    def begin(self, state: JointState, now_ns: int) -> None:
        """Start checking, when torque is switched on."""
        self._begun_ns = self._complete_ns = now_ns
        self._limits.begin(state)
        self._remember(state)

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
            imus: Readings of the robot's IMUs after this tick's read; needed where the policy depends on them.
            missed: Ticks missed immediately before this one.
            operator_alive_ns: Time of the last sign of life from the operator's device; -1 while none is in use.

        Returns:
            The verdict; a constant when all is well.
        """
        blind = self._imu_violations(imus, now_ns) if self._imus else []
        self._measure_motion(readings)
        in_order = self._in_order(readings, now_ns)
        self._remember(readings)
        if in_order and 0 <= missed_ticks <= self._envelope.missed_ticks_max and not blind:
            self._usable.fill(True)
            return ALL_WELL
        found = self._robot_violations(now_ns, missed_ticks) + blind
        for index in range(len(self._joints)):
            found += self._joint_violations(index, readings, now_ns)
        return verdict_of(tuple(found))

    def allow_for(self, elapsed_s: float) -> None:
        """Set how long ago the last command was, s; see `CommandLimits.allow_for`."""
        self._limits.allow_for(elapsed_s)

    def limit(self, command: JointCommand, state: JointState) -> Int64Array:
        """Bring a command inside the limits in place; see `CommandLimits.limit`."""
        return self._limits.limit(command, state)

    def damp(self, command: JointCommand, state: JointState) -> Int64Array:
        """Overwrite a command with damping, using readings that were recent in the last check; see `CommandLimits`."""
        return self._limits.damp(command, state, self._usable)

    def hold(self, command: JointCommand, state: JointState) -> Int64Array:
        """Overwrite a command with one that keeps every joint where it is; see `CommandLimits.hold`."""
        return self._limits.hold(command, state, self._usable)

    def limp(self, command: JointCommand, state: JointState) -> Int64Array:
        """Overwrite a command with one without effort; see `CommandLimits.limp`."""
        return self._limits.limp(command, state)

    def check_observation(self, observation: Float32Array) -> Verdict:
        """Check what the policy is about to see against the ranges seen in training.

        Args:
            observation: (O,), after the contract's scales and clips.

        Returns:
            The verdict: OK with its reasons where values outside are only counted.
        """
        return ALL_WELL

    def reaction(self, verdict: Verdict) -> Reaction:
        """Return what the robot does after a fault: the strongest reaction to its reasons."""
        return reaction_to(verdict, self._settings.on_fault)

    def _measure_motion(self, readings: JointState) -> None:
        """Compute how far each joint moved since its last reading, and whether it can have moved so far.

        Stamps are arrival times, not measurement times; one control period is added to allow for that.
        """
        elapsed_s, reach = self._elapsed_s, self._reach
        np.subtract(readings.stamp_ns, self._last_stamp_ns, out=elapsed_s, casting="unsafe")
        np.maximum(elapsed_s, 0.0, out=elapsed_s)
        np.multiply(elapsed_s, 1.0 / NS_PER_S, out=elapsed_s)
        np.add(elapsed_s, self._period_s, out=elapsed_s)
        np.multiply(self._high[1], elapsed_s, out=reach)
        # Compared with both ends: the difference of two infinite positions would be no number, and a warning.
        np.subtract(self._last_position, reach, out=self._lowest)
        np.less_equal(self._lowest, readings.position, out=self._reach_ok)
        np.add(self._last_position, reach, out=self._highest)
        np.less_equal(readings.position, self._highest, out=self._below)
        np.logical_and(self._reach_ok, self._below, out=self._reach_ok)

    def _remember(self, readings: JointState) -> None:
        np.copyto(self._last_position, readings.position)
        np.copyto(self._last_stamp_ns, readings.stamp_ns)

    def _in_order(self, readings: JointState, now_ns: int) -> bool:
        """Tell whether every joint answered in this tick with values inside their bounds. NaN is inside nothing."""
        if int(np.count_nonzero(readings.fresh)) < len(self._joints):
            return False
        values, ok, ok2 = self._values, self._ok, self._ok2
        oldest, newest = int(readings.stamp_ns.min()), int(readings.stamp_ns.max())
        self._complete_ns = oldest
        if not (oldest >= 0 and newest <= now_ns and now_ns - oldest <= min(self._age_max_ns, self._loss_ns)):
            return False
        values[0] = readings.position
        values[1] = readings.velocity
        values[2] = readings.effort
        values[3] = readings.temperature
        values[4] = readings.voltage
        np.less_equal(self._low, values, out=ok)
        np.less_equal(values, self._high, out=ok2)
        return (
            int(np.count_nonzero(ok)) == ok.size
            and int(np.count_nonzero(ok2)) == ok2.size
            and int(np.count_nonzero(self._reach_ok)) == len(self._joints)
            and not np.count_nonzero(readings.faults)
        )

    def _robot_violations(self, now_ns: int, missed_ticks: int) -> list[Violation]:
        envelope, found = self._envelope, []
        if not 0 <= missed_ticks <= envelope.missed_ticks_max:
            found.append(Violation(Reason.MISSED_TICKS, -1, float(missed_ticks), float(envelope.missed_ticks_max)))
        age_ns = now_ns - self._complete_ns
        if not 0 <= age_ns <= self._age_max_ns:
            found.append(Violation(Reason.STALE_READING, -1, age_ns / NS_PER_S, envelope.reading_age_max))
        return found

    def _imu_violations(self, imus: ImuState | None, now_ns: int) -> list[Violation]:
        """Check the IMUs one by one: there are one or two."""
        found: list[Violation] = []
        for index, (spec, age_max_ns) in enumerate(zip(self._imus, self._imu_age_max_ns, strict=True)):
            stamp_ns, faults, finite = -1, 0, False
            if imus is not None:
                stamp_ns, faults = int(imus.stamp_ns[index]), int(imus.faults[index])
                total = imus.angular_velocity[index].sum() + imus.orientation[index].sum()
                finite = -inf < total < inf
            age_ns = now_ns - stamp_ns
            if not (stamp_ns >= 0 and 0 <= age_ns <= age_max_ns and not faults & ImuFault.STALE):
                found.append(Violation(Reason.IMU_STALE, index, age_ns / NS_PER_S, spec.stale_after))
            if faults & ImuFault.FROZEN:
                found.append(Violation(Reason.IMU_FROZEN, index, spec.stale_after, spec.stale_after))
            if not finite or faults & ImuFault.IMPLAUSIBLE:
                found.append(Violation(Reason.IMU_IMPLAUSIBLE, index, float(faults), 0.0))
        return found

    def _joint_violations(self, index: int, readings: JointState, now_ns: int) -> list[Violation]:
        return [
            *self._age_violations(index, int(readings.stamp_ns[index]), now_ns),
            *self._motion_violations(index, readings),
            *self._jump_violations(index, float(readings.position[index])),
            *self._health_violations(index, readings, now_ns),
        ]

    def _age_violations(self, index: int, stamp_ns: int, now_ns: int) -> list[Violation]:
        envelope, found = self._envelope, []
        age_ns = now_ns - stamp_ns
        known = stamp_ns >= 0
        self._usable[index] = recent = known and 0 <= age_ns <= self._age_max_ns
        if not recent:
            found.append(Violation(Reason.STALE_READING, index, age_ns / NS_PER_S, envelope.reading_age_max))
        if not (known and age_ns <= self._loss_ns):
            found.append(Violation(Reason.COMMUNICATION_LOSS, index, age_ns / NS_PER_S, envelope.communication_loss))
        return found

    def _jump_violations(self, index: int, position: float) -> list[Violation]:
        if self._reach_ok[index] or not -inf < position < inf:  # a position that is not finite has its own reason
            return []
        edge = self._lowest[index] if position < self._lowest[index] else self._highest[index]
        return [Violation(Reason.POSITION_JUMP, index, position, float(edge))]

    def _motion_violations(self, index: int, readings: JointState) -> list[Violation]:
        found = []
        for row, reason, values in (
            (0, Reason.POSITION, readings.position),
            (1, Reason.VELOCITY, readings.velocity),
            (2, Reason.EFFORT, readings.effort),
        ):
            value, low, high = float(values[index]), float(self._low[row, index]), float(self._high[row, index])
            if not -inf < value < inf:
                found.append(Violation(Reason.NOT_FINITE, index, value, inf))
            elif not low <= value <= high:
                found.append(Violation(reason, index, value, low if value < low else high))
        return found

    def _health_violations(self, index: int, readings: JointState, now_ns: int) -> list[Violation]:
        envelope, found = self._envelope, []
        temperature, voltage = float(readings.temperature[index]), float(readings.voltage[index])
        may_be_unknown = now_ns - self._begun_ns <= UNKNOWN_GRACE_NS
        if temperature != temperature:
            if not may_be_unknown:
                found.append(Violation(Reason.TEMPERATURE_UNKNOWN, index, temperature, envelope.temperature_max))
        elif not temperature <= envelope.temperature_max:
            found.append(Violation(Reason.TEMPERATURE, index, temperature, envelope.temperature_max))
        if voltage != voltage:
            if not may_be_unknown:
                found.append(Violation(Reason.VOLTAGE_UNKNOWN, index, voltage, envelope.voltage_min))
        elif not envelope.voltage_min <= voltage <= envelope.voltage_max:
            limit = envelope.voltage_min if voltage < envelope.voltage_min else envelope.voltage_max
            found.append(Violation(Reason.VOLTAGE, index, voltage, limit))
        if readings.faults[index] != 0:
            found.append(Violation(Reason.MOTOR_FAULT, index, float(readings.faults[index]), 0.0))
        return found
