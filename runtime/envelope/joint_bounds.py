"""The bounds of joint readings: every value of every joint between two limits, compared in one go."""

from math import inf
from typing import Final, NamedTuple

import numpy as np

from sim2real.hardware.clock import NS_PER_S, ns_from_s
from sim2real.hardware.flags import flags
from sim2real.hardware.types import BoolArray, Float64Array, JointState
from sim2real.runtime.contract.robot import JointSpec, RobotSpec
from sim2real.runtime.envelope.settings import JointSettings, SafetySettings
from sim2real.runtime.verdict import Reason, Violation

EFFORT_FACTOR_MAX: Final = 2.0
"""A motor that measures more than this times its effort limit does not follow its commands."""


class _Row(NamedTuple):
    """One value of each joint."""

    reason: Reason
    unit: float = 1.0
    """SI value of 1: ages are compared in nanoseconds, which are exact."""


_ROWS: Final = (
    _Row(Reason.POSITION),
    _Row(Reason.VELOCITY),
    _Row(Reason.EFFORT),
    _Row(Reason.TEMPERATURE),
    _Row(Reason.VOLTAGE),
    _Row(Reason.POSITION_JUMP),
    _Row(Reason.MOTOR_FAULT),
    _Row(Reason.STALE_READING, 1.0 / NS_PER_S),
    _Row(Reason.COMMUNICATION_LOSS, 1.0 / NS_PER_S),
    _Row(Reason.TEMPERATURE_UNKNOWN, 1.0 / NS_PER_S),
    _Row(Reason.VOLTAGE_UNKNOWN, 1.0 / NS_PER_S),
)
"""What is compared, row by row; `JointBounds.check` gives the values, and `_bounds` the bounds, in the same order."""

_POSITION, _VELOCITY, _EFFORT, _TEMPERATURE, _VOLTAGE, _JUMP, _FAULTS = range(7)
_STALE, _LOSS, _TEMPERATURE_AGE, _VOLTAGE_AGE = range(7, 11)
_MEASURED: Final = 3  # position, velocity, effort: not finite is a reason of its own
_AGES: Final = (_STALE, _LOSS, _TEMPERATURE_AGE, _VOLTAGE_AGE)  # whose limit is told, also of one from the future


class JointBounds:
    """Compares readings with their bounds. NaN is inside nothing.

    Args:
        robot: Limits of the joints.
        settings: Margins, ages, temperature and voltage.
        period_s: Control period, s.
    """

    def __init__(self, robot: RobotSpec, settings: SafetySettings, period_s: float) -> None:
        joints = len(robot.joints)
        bounds = np.array([_bounds(*both, settings) for both in zip(robot.joints, settings.joints, strict=True)])
        self._low, self._high = bounds[:, :, 0].T.copy(), bounds[:, :, 1].T.copy()
        self._lowest_known = np.full(joints, -inf), self._low[_VOLTAGE].copy()
        self._values = np.zeros((len(_ROWS), joints))
        self._ok, self._ok_memory = flags(len(_ROWS), joints)
        self._ok2, self._ok2_memory = flags(len(_ROWS), joints)
        self._unanswered, self._unanswered_memory = flags(joints)
        self._now_ns, self._age_ns, self._elapsed_ns = (np.zeros(joints, np.int64) for _ in range(3))
        self._zero_ns = np.zeros(joints, np.int64)
        self._ns_s = np.full(joints, 1.0 / NS_PER_S)
        self._period_s = np.full(joints, period_s)
        self._measured = _MEASURED * joints
        self._reach = np.zeros(joints)
        self.elapsed_s: Float64Array = np.zeros(joints)
        """(J,), s between the last two readings of each joint; 0 where it did not answer."""
        self.plausible = False
        """Whether all positions, velocities and efforts of the last check were inside their bounds."""
        # Position and stamp of each joint's last reading. Before `begin` there is none, and NaN allows nothing.
        self._last_position, self._last_stamp_ns = np.full(joints, np.nan), np.zeros(joints, np.int64)
        # Far in the past: without a call of `begin` nothing is recent.
        self._begun_ns = -(2**62)

    def begin(self, readings: JointState, now_ns: int) -> None:
        """Start with readings to measure the next ones from; unknown temperatures have their grace from now on."""
        self._begun_ns = now_ns
        self._remember(readings)

    def check(self, readings: JointState, now_ns: int) -> bool:
        """Compare the readings of a tick; tell whether every value is inside its bounds."""
        self._measure(readings, now_ns)
        self._measure_motion(readings)
        in_order = self._compare()
        if not in_order:  # not the usual tick
            self._measure_unknown(readings, now_ns)
            in_order = self._compare()
            np.logical_and(self._ok, self._ok2, out=self._ok)
        self.plausible = 0 not in self._ok_memory[: self._measured]
        self._remember(readings)
        return in_order

    @property
    def recent(self) -> BoolArray:
        """(J,), whether each joint's reading in the last check was recent enough to act on."""
        recent: BoolArray = self._ok[_STALE]
        return recent

    def violations(self) -> list[Violation]:
        """Return what the last check found, joint by joint."""
        found: list[Violation] = []
        for index, row in np.argwhere(~self._ok.T).tolist():
            reason, unit = _ROWS[row]
            value, low, high = (float(array[row, index]) for array in (self._values, self._low, self._high))
            if not -inf < value < inf:
                if row == _JUMP:  # a position that is not finite has its own reason
                    continue
                if row < _MEASURED:
                    found.append(Violation(Reason.NOT_FINITE, index, value, inf))
                    continue
            limit = low if value < low and row not in _AGES else high
            found.append(Violation(reason, index, value * unit, limit * unit))
        return found

    def _compare(self) -> bool:
        np.less_equal(self._low, self._values, self._ok)
        np.less_equal(self._values, self._high, self._ok2)
        return 0 not in self._ok_memory and 0 not in self._ok2_memory

    def _measure(self, readings: JointState, now_ns: int) -> None:
        """Take the values as they were read, with their ages."""
        values, age_ns = self._values, self._age_ns
        values[_POSITION] = values[_JUMP] = readings.position
        values[_VELOCITY] = readings.velocity
        values[_EFFORT] = readings.effort
        values[_TEMPERATURE] = readings.temperature
        values[_VOLTAGE] = readings.voltage
        values[_FAULTS] = readings.faults
        self._now_ns.fill(now_ns)
        np.subtract(self._now_ns, readings.health_stamp_ns, age_ns)
        values[_TEMPERATURE_AGE] = values[_VOLTAGE_AGE] = age_ns
        np.subtract(self._now_ns, readings.stamp_ns, age_ns)
        values[_STALE] = values[_LOSS] = age_ns
        np.less(readings.stamp_ns, self._zero_ns, self._unanswered)
        if 1 in self._unanswered_memory:
            np.copyto(values[_STALE:_TEMPERATURE_AGE], inf, where=self._unanswered)

    def _measure_motion(self, readings: JointState) -> None:
        """Compute the time since each joint's last reading, and how far it can have moved in it.

        Stamps are arrival times, not measurement times; one control period is added to allow for that.
        """
        elapsed_ns, elapsed_s, reach = self._elapsed_ns, self.elapsed_s, self._reach
        np.subtract(readings.stamp_ns, self._last_stamp_ns, elapsed_ns)
        np.maximum(elapsed_ns, self._zero_ns, out=elapsed_ns)
        elapsed_s[:] = elapsed_ns
        np.multiply(elapsed_s, self._ns_s, elapsed_s)
        np.add(elapsed_s, self._period_s, reach)
        np.multiply(self._high[_VELOCITY], reach, reach)
        # Compared with both ends: the difference of two infinite positions would be no number, and a warning.
        np.subtract(self._last_position, reach, self._low[_JUMP])
        np.add(self._last_position, reach, self._high[_JUMP])

    def _measure_unknown(self, readings: JointState, now_ns: int) -> None:
        """Compute since when temperature and voltage are unknown; values that are unknown now are not compared.

        Nothing is unknown for longer than since `begin`: so a tick in which the ages of the readings themselves are
        inside their bounds needs none of this.
        """
        values, age_ns = self._values, self._age_ns
        begun_ns = now_ns - self._begun_ns
        np.subtract(self._now_ns, np.maximum(readings.health_stamp_ns, self._begun_ns), out=age_ns)
        for row, age, known in (
            (_TEMPERATURE, _TEMPERATURE_AGE, self._lowest_known[0]),
            (_VOLTAGE, _VOLTAGE_AGE, self._lowest_known[1]),
        ):
            unknown = np.isnan(values[row])
            values[age] = age_ns
            np.copyto(values[row], known, where=unknown)
            np.copyto(values[age], begun_ns, where=unknown)

    def _remember(self, readings: JointState) -> None:
        self._last_position[:] = readings.position
        self._last_stamp_ns[:] = readings.stamp_ns


def _bounds(joint: JointSpec, own: JointSettings, settings: SafetySettings) -> list[tuple[float, float]]:
    """Return the bounds of each row; those of the jump are computed in each tick."""
    envelope = settings.envelope
    velocity, effort = joint.velocity_max + envelope.velocity_margin, joint.effort_max * EFFORT_FACTOR_MAX
    health = float(ns_from_s(settings.health_age_max))
    return [
        (joint.position_min - envelope.position_margin, joint.position_max + envelope.position_margin),
        (-velocity, velocity),
        (-effort, effort),
        (-inf, envelope.temperature_max),
        own.voltage_range or (envelope.voltage_min, envelope.voltage_max),
        (0.0, 0.0),
        (0.0, 0.0),
        # From the future is no better than too old; it is not a loss, for the joint did answer.
        (0.0, float(ns_from_s(envelope.reading_age_max))),
        (-inf, float(ns_from_s(envelope.communication_loss))),
        (-inf, health),
        (-inf, health),
    ]
