"""Safety: judges readings and bounds commands. Small, pure, deny by default; NaN fails every comparison.

No I/O and no clock: time is an argument. Readings that are in order cost no allocation.
"""

from enum import IntEnum, IntFlag
from typing import NamedTuple

import numpy as np

from hardware.clock import NS_PER_S, ns_from_s
from hardware.types import BoolArray, Int64Array, JointCommand, JointState
from runtime.contract.spec import RobotSpec
from runtime.limits import CommandLimits

UNKNOWN_GRACE_NS = 2 * NS_PER_S
"""So long may the robot have torque while a joint's temperature or voltage is unknown: both are polled slowly."""

EFFORT_FACTOR_MAX = 2.0
"""A motor that measures more than this times the highest effort it may be asked for does not follow its commands."""


class Level(IntEnum):
    """What must come of a verdict."""

    OK = 0
    DAMP = 1
    """Damp until readings recover."""
    FAULT = 2
    """Torque off, latched."""


class Reason(IntFlag):
    """Why a verdict is not OK."""

    STALE_READING = 1
    """The last complete reading is older than `reading_age_max`, or from the future."""
    EFFORT = 2
    """The measured effort is implausibly high."""
    ACTION_NOT_FINITE = 4
    """The policy's action is not finite."""
    POSITION = 8
    """Outside the position limits by more than the margin."""
    VELOCITY = 16
    """Above the velocity limit by more than the margin."""
    TEMPERATURE = 32
    VOLTAGE = 64
    NOT_FINITE = 128
    """A position, velocity or effort is not finite."""
    COMMUNICATION_LOSS = 256
    """No reading of a joint for `communication_loss`."""
    MISSED_TICKS = 512
    MOTOR_FAULT = 1024
    """The motor reports a fault of its own."""
    TEMPERATURE_UNKNOWN = 2048
    VOLTAGE_UNKNOWN = 4096
    PORT_LOST = 8192
    START_POSE = 16384
    """The start pose was not reached in time."""


DAMP_REASONS = Reason.STALE_READING | Reason.EFFORT | Reason.ACTION_NOT_FINITE
"""Reasons that damp; every other is a fault."""


class Violation(NamedTuple):
    """One reason, with the joint, the value and the limit that caused it."""

    reason: Reason
    joint: int
    """Index of the joint; -1 when it is not about a joint."""
    value: float
    limit: float


class Verdict(NamedTuple):
    """Whether the robot may go on."""

    level: Level
    reasons: Reason
    violations: tuple[Violation, ...]


ALL_WELL = Verdict(Level.OK, Reason(0), ())


def verdict_of(violations: tuple[Violation, ...]) -> Verdict:
    """Return the verdict that violations come to: the worst of them decides."""
    reasons = Reason(0)
    for violation in violations:
        reasons |= violation.reason
    if reasons == 0:
        return ALL_WELL
    return Verdict(Level.FAULT if reasons & ~DAMP_REASONS else Level.DAMP, reasons, violations)


class Safety:
    """The safety of one robot.

    Args:
        robot: Limits of the joints, and the envelope.
        period_s: Control period, s.
    """

    def __init__(self, robot: RobotSpec, period_s: float) -> None:
        envelope = robot.safety
        self._envelope = envelope
        self._limits = CommandLimits(robot, period_s)
        self._position_low = np.array([joint.position_min - envelope.position_margin for joint in robot.joints])
        self._position_high = np.array([joint.position_max + envelope.position_margin for joint in robot.joints])
        self._velocity_high = np.array([joint.velocity_max + envelope.velocity_margin for joint in robot.joints])
        self._effort_high = np.array([joint.effort_max * EFFORT_FACTOR_MAX for joint in robot.joints])
        self._age_max_ns = ns_from_s(envelope.reading_age_max)
        self._loss_ns = ns_from_s(envelope.communication_loss)
        joints = len(robot.joints)
        self._age = np.zeros(joints, np.int64)
        self._scratch = np.zeros(joints)
        self._ok = np.zeros((9, joints), np.bool_)
        self._mask = np.zeros(joints, np.bool_)
        self._usable = np.zeros(joints, np.bool_)
        # Far in the past: whoever forgets to call `begin` is refused.
        self._begun_ns = self._complete_ns = -(2**62)

    @property
    def requested(self) -> JointCommand:
        """The last command as it was asked for, for reports."""
        return self._limits.requested

    def begin(self, state: JointState, now_ns: int) -> None:
        """Start the watch when torque is switched on."""
        self._begun_ns = self._complete_ns = now_ns
        self._limits.begin(state)

    def judge(self, readings: JointState, now_ns: int, missed_ticks: int) -> Verdict:
        """Judge the readings of a tick.

        Args:
            readings: State of all joints after this tick's read.
            now_ns: Time after the read.
            missed_ticks: Ticks missed in a row before this one.

        Returns:
            The verdict; a constant when all is well.
        """
        known = not now_ns - self._begun_ns <= UNKNOWN_GRACE_NS
        ok = self._ok
        self._check_values(readings, ok)
        self._check_health(readings, ok, known)
        self._check_age(readings, now_ns, ok)
        complete = 0 <= now_ns - self._complete_ns <= self._age_max_ns
        in_time = 0 <= missed_ticks <= self._envelope.missed_ticks_max
        if complete and in_time and ok.all():
            return ALL_WELL
        return verdict_of(self._violations(readings, now_ns, missed_ticks, complete, in_time))

    def limit(self, command: JointCommand, state: JointState) -> Int64Array:
        """Bring a command inside the limits in place; see `CommandLimits.limit`."""
        return self._limits.limit(command, state)

    def damp(self, command: JointCommand, state: JointState) -> Int64Array:
        """Overwrite a command with damping, from readings the last judge found recent; see `CommandLimits.damp`."""
        return self._limits.damp(command, state, self._usable)

    def _check_values(self, readings: JointState, ok: BoolArray) -> None:
        mask, scratch = self._mask, self._scratch
        np.isfinite(readings.position, out=ok[0])
        ok[0] &= np.isfinite(readings.velocity, out=mask)
        ok[0] &= np.isfinite(readings.effort, out=mask)
        np.less_equal(self._position_low, readings.position, out=ok[1])
        ok[1] &= np.less_equal(readings.position, self._position_high, out=mask)
        np.less_equal(np.abs(readings.velocity, out=scratch), self._velocity_high, out=ok[2])
        np.less_equal(np.abs(readings.effort, out=scratch), self._effort_high, out=ok[3])

    def _check_health(self, readings: JointState, ok: BoolArray, known: bool) -> None:
        mask = self._mask
        np.less_equal(readings.temperature, self._envelope.temperature_max, out=ok[4])
        np.less_equal(self._envelope.voltage_min, readings.voltage, out=ok[5])
        ok[5] &= np.less_equal(readings.voltage, self._envelope.voltage_max, out=mask)
        if not known:
            ok[4] |= np.isnan(readings.temperature, out=mask)
            ok[5] |= np.isnan(readings.voltage, out=mask)
        np.equal(readings.faults, 0, out=ok[6])

    def _check_age(self, readings: JointState, now_ns: int, ok: BoolArray) -> None:
        mask, age = self._mask, self._age
        np.subtract(now_ns, readings.stamp_ns, out=age)
        np.less_equal(age, self._age_max_ns, out=ok[7])
        ok[7] &= np.greater_equal(age, 0, out=mask)
        ok[7] &= np.greater_equal(readings.stamp_ns, 0, out=mask)
        np.copyto(self._usable, ok[7])
        np.less_equal(age, self._loss_ns, out=ok[8])
        ok[8] &= np.greater_equal(readings.stamp_ns, 0, out=mask)
        if readings.fresh.all():
            self._complete_ns = int(readings.stamp_ns.min())

    def _violations(
        self, readings: JointState, now_ns: int, missed_ticks: int, complete: bool, in_time: bool
    ) -> tuple[Violation, ...]:
        found: list[Violation] = []
        if not in_time:
            limit = float(self._envelope.missed_ticks_max)
            found.append(Violation(Reason.MISSED_TICKS, -1, float(missed_ticks), limit))
        if not complete:
            age_s = (now_ns - self._complete_ns) / NS_PER_S
            found.append(Violation(Reason.STALE_READING, -1, age_s, self._envelope.reading_age_max))
        for row, joint in np.argwhere(~self._ok).tolist():
            found.append(self._violation(row, joint, readings))
        return tuple(found)

    def _violation(self, row: int, joint: int, readings: JointState) -> Violation:
        envelope = self._envelope
        q, v, effort = float(readings.position[joint]), float(readings.velocity[joint]), float(readings.effort[joint])
        temperature, voltage = float(readings.temperature[joint]), float(readings.voltage[joint])
        low, high = float(self._position_low[joint]), float(self._position_high[joint])
        age_s = float(self._age[joint]) / NS_PER_S
        return (
            Violation(Reason.NOT_FINITE, joint, q + v + effort, float("inf")),
            Violation(Reason.POSITION, joint, q, low if q < low else high),
            Violation(Reason.VELOCITY, joint, v, float(self._velocity_high[joint])),
            Violation(Reason.EFFORT, joint, effort, float(self._effort_high[joint])),
            Violation(
                Reason.TEMPERATURE_UNKNOWN if temperature != temperature else Reason.TEMPERATURE,
                joint,
                temperature,
                envelope.temperature_max,
            ),
            Violation(
                Reason.VOLTAGE_UNKNOWN if voltage != voltage else Reason.VOLTAGE,
                joint,
                voltage,
                envelope.voltage_min if voltage < envelope.voltage_min else envelope.voltage_max,
            ),
            Violation(Reason.MOTOR_FAULT, joint, float(readings.faults[joint]), 0.0),
            Violation(Reason.STALE_READING, joint, age_s, envelope.reading_age_max),
            Violation(Reason.COMMUNICATION_LOSS, joint, age_s, envelope.communication_loss),
        )[row]
