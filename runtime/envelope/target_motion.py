"""The motion of position targets: bounded speed, acceleration and jerk, and always able to stop before a limit."""

from math import ceil
from typing import Final

import numpy as np

from sim2real.hardware.types import BoolArray, Float64Array
from sim2real.runtime.contract.robot import RobotSpec
from sim2real.runtime.envelope.effort_guard import Intervention
from sim2real.runtime.envelope.settings import SafetySettings

POSITION_TRACKING_MODES = ("position", "impedance")
"""Modes in which a motor follows a position target; it moves at most as fast as the joint may."""

_ROUNDING: Final = 1e-9
"""Relative; a speed that is computed from the difference of two positions is not exact."""


class TargetMotion:
    """Moves the position targets of all joints towards what is wanted, in array operations.

    Speed: from tick to tick a target moves at most velocity limit times the period.

    Acceleration a, where a joint has such a limit: the speed of the target changes by at most a·T after a tick of T,
    and is at most that from which it can still stop before the position limit. Stopping from n·a·T takes n, n - 1 … 1
    steps of a·T², so that speed is (n + f)·a·T at the distance (n·(n + 1)/2 + (n + 1)·f)·a·T², 0 <= f < 1. A wanted
    target that is out of reach is approached like a limit, so it is not overshot. One that moves at a speed which
    itself changes no faster is caught up with and then followed exactly.

    Jerk j, where a joint has such a limit: what is sent is the mean of the last N targets, N >= 2a/(j·T). The change of
    its acceleration in a tick is then the difference of two accelerations by N·T, which is at most j·T. A mean is never
    outside of what it is the mean of, so the other limits hold as well. The cost is a delay of (N - 1)/2 ticks.

    A joint in current mode follows no position target: it has the position limits only.

    Args:
        robot: Modes, position and velocity limits.
        settings: Acceleration and jerk limits, and the margin of positions.
        period_s: Control period, s; the longest one where it varies.
    """

    def __init__(self, robot: RobotSpec, settings: SafetySettings, period_s: float) -> None:
        joints = robot.joints
        self.tracking: BoolArray = np.array([joint.mode in POSITION_TRACKING_MODES for joint in joints])
        self._low = np.array([joint.position_min for joint in joints])
        self._high = np.array([joint.position_max for joint in joints])
        self._default = np.array([joint.default_position for joint in joints])
        margin = settings.envelope.position_margin
        self._outer_low, self._outer_high = self._low - margin, self._high + margin
        self._velocity_max = np.where(self.tracking, [joint.velocity_max for joint in joints], np.inf)
        acceleration = np.array([joint.acceleration_max for joint in settings.joints])
        self._accelerating = self.tracking & np.isfinite(acceleration)
        self._accelerates = bool(self._accelerating.any())
        self._acceleration = np.where(self._accelerating, acceleration, 1.0)
        # The time since the last targets, that between the last two, and the longest one: stopping is computed for it.
        self._period_s = self._last_period_s = self._stop_period_s = period_s
        self._step = self._velocity_max * period_s
        self.target = self._default.copy()
        """(J,), rad: the last targets; joints that follow none have where they began."""
        self._reached = self._default.copy()  # before the mean
        self._before = self._default.copy()
        self._velocity = np.zeros(len(joints))
        # What was wanted last, and how fast that moved.
        self._asked, self._asked_velocity = self._default.copy(), np.zeros(len(joints))
        self.low, self.high = self._low.copy(), self._high.copy()
        """(J,), rad: bounds of the next targets."""
        self._work = np.zeros(len(joints))
        counts = [self._averaged(settings, index, period_s) for index in range(len(joints))]
        self.averages = max(counts) > 1
        """Whether any joint has a limit of jerk."""
        # Rows are ticks, oldest first.
        self._past = np.tile(self._default, (max(counts), 1))
        newest_first = np.arange(max(counts))[::-1, None]
        self._weights = (newest_first < np.array(counts)) / np.array(counts)
        self._bound()

    def _averaged(self, settings: SafetySettings, index: int, period_s: float) -> int:
        limits = settings.joints[index]
        if not self._accelerating[index]:
            return 1
        return max(1, ceil(2.0 * limits.acceleration_max / (limits.jerk_max * period_s)))

    def begin(self, position: Float64Array) -> None:
        """Start at rest from where the joints are, within the margin; not finite counts as the default position."""
        np.copyto(self.target, position)
        np.copyto(self.target, self._default, where=~np.isfinite(position))
        np.clip(self.target, self._outer_low, self._outer_high, out=self.target)
        self._rest(np.ones(len(self.target), np.bool_))

    def follow(self, position: Float64Array, joints: BoolArray) -> None:
        """Put the targets of some joints where they are, within the margin, at rest. For joints without stiffness.

        Args:
            position: (J,), rad; where it is not finite the target stays.
            joints: (J,), which.
        """
        joints = joints & np.isfinite(position)
        np.copyto(self.target, np.clip(position, self._outer_low, self._outer_high), where=joints)
        self._rest(joints)

    def allow_for(self, elapsed_s: float) -> None:
        """Set how long ago the last targets were, s: for targets that do not come at the control rate."""
        self._period_s = elapsed_s
        np.multiply(self._velocity_max, elapsed_s, out=self._step, where=self.tracking)  # elsewhere it is infinite
        self._bound()

    def move(self, wanted: Float64Array) -> None:
        """Move towards the wanted targets, (J,), and overwrite them with what they may be. They must be finite."""
        np.copyto(self._before, self._reached)
        if self._accelerates and self._period_s > 0.0:
            self._approach(wanted)
        np.maximum(wanted, self.low, out=wanted)
        np.minimum(wanted, self.high, out=wanted)
        if self._accelerates and self._period_s > 0.0:
            np.subtract(wanted, self._reached, out=self._velocity)
            np.divide(self._velocity, self._period_s, out=self._velocity)
            self._last_period_s = self._period_s
        np.copyto(self._reached, wanted, where=self.tracking)
        if self.averages:
            self._past[:-1] = self._past[1:]
            self._past[-1] = wanted
            np.einsum("ij,ij->j", self._past, self._weights, out=self._work)
            # Rounding must not put a mean outside of what it is the mean of.
            np.clip(self._work, self._past.min(axis=0), self._past.max(axis=0), out=self._work)
            np.copyto(wanted, self._work, where=self._accelerating)
        np.copyto(self.target, wanted, where=self.tracking)
        self._bound()

    def reason(self, joint: int, wanted: float) -> Intervention:
        """Return which limit the last move kept a target from what was wanted for, rad."""
        if not self._low[joint] <= wanted <= self._high[joint]:
            return Intervention.POSITION_TARGET
        if not abs(wanted - self._before[joint]) <= self._step[joint]:
            return Intervention.POSITION_STEP
        if self._reached[joint] == wanted:
            return Intervention.POSITION_JERK
        return Intervention.POSITION_ACCELERATION

    def _rest(self, joints: BoolArray) -> None:
        """Let some joints start at rest from their targets."""
        np.copyto(self._reached, self.target, where=joints)
        np.copyto(self._past, self.target, where=joints)
        np.copyto(self._velocity, 0.0, where=joints)
        np.copyto(self._asked, self.target, where=joints)
        np.copyto(self._asked_velocity, 0.0, where=joints)
        self._bound()

    def _bound(self) -> None:
        """Compute how far the next targets may go."""
        low, high, work, reached = self.low, self.high, self._work, self._reached
        # A joint that starts outside the limits, within the margin, is moved back gradually: a target never jumps.
        np.subtract(reached, self._step, out=work)
        np.minimum(self._low, reached, out=low)
        np.maximum(low, work, out=low)
        np.add(reached, self._step, out=work)
        np.maximum(self._high, reached, out=high)
        np.minimum(high, work, out=high)
        if self._accelerates:
            self._bound_velocity()

    def _bound_velocity(self) -> None:
        reached, change = self._reached, self._acceleration * self._last_period_s
        lowest, highest = np.minimum(self._low, reached), np.maximum(self._high, reached)
        # Where rounding sets stopping against braking, braking wins; and a position limit wins over both.
        stop = self._stopping(highest - reached)
        speed = np.minimum(self._velocity + change, np.maximum(stop, self._velocity - change))
        np.minimum(self.high, reached + speed * self._period_s, out=self.high, where=self._accelerating)
        np.maximum(self.high, lowest, out=self.high)
        stop = self._stopping(reached - lowest)
        speed = np.maximum(self._velocity - change, np.minimum(-stop, self._velocity + change))
        np.maximum(self.low, reached + speed * self._period_s, out=self.low, where=self._accelerating)
        np.minimum(self.low, highest, out=self.low)

    def _approach(self, wanted: Float64Array) -> None:
        """Replace wanted targets that are out of reach with those from which a target can stop at them.

        A wanted target is in reach when the speed to get there is one from which its own speed is reached within a
        tick; whether it is inside the bounds is asked afterwards. Its speed counts where it changes no faster than
        allowed; else it has jumped.
        """
        reached, period = self._reached, self._period_s
        change = self._acceleration * self._last_period_s * (1.0 + _ROUNDING)
        np.clip(wanted, np.minimum(self._low, reached), np.maximum(self._high, reached), out=wanted)
        moved = (wanted - self._asked) / period
        speed = np.where(np.abs(moved - self._asked_velocity) <= change, moved, 0.0)
        np.copyto(self._asked, wanted)
        np.copyto(self._asked_velocity, moved)
        in_reach = np.abs((wanted - reached) / period - speed) <= change
        distance = wanted - speed * period - reached
        approach = reached + (speed + np.copysign(self._stopping(np.abs(distance)), distance)) * period
        np.copyto(wanted, approach, where=self._accelerating & ~in_reach)

    def _stopping(self, distance: Float64Array) -> Float64Array:
        """Return the highest speed from which a target stops within a distance, rad/s."""
        step = self._acceleration * self._stop_period_s
        ticks = distance / (step * self._stop_period_s)
        whole = np.floor((np.sqrt(8.0 * ticks + 1.0) - 1.0) / 2.0)
        return (whole + (ticks - whole * (whole + 1.0) / 2.0) / (whole + 1.0)) * step
