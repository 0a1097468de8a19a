"""The effort that a joint may get now: its limit, less what heat takes off."""

from math import inf, isfinite

import numpy as np

from sim2real.hardware.types import Float64Array, JointState
from sim2real.runtime.contract.robot import RobotSpec
from sim2real.runtime.envelope.settings import SafetySettings

THERMAL_ONSET = 0.9
"""Share of the thermal budget from which the limit falls to the continuous effort: without a ramp it would switch."""


class EffortBudget:
    """Two ways in which heat takes effort off, both computed from readings.

    Windings: heat, in units of that at the continuous effort in the long run, follows
    dh/dt = ((effort / continuous)² - h) / thermal_time. From `THERMAL_ONSET` to 1 the limit falls from `effort_max` to
    the continuous effort.

    Housing: from `temperature_derating` to `temperature_max` the limit falls from `effort_max` to zero.

    Args:
        robot: Effort limits.
        settings: Continuous efforts and temperatures.
    """

    def __init__(self, robot: RobotSpec, settings: SafetySettings) -> None:
        self._full = np.array([joint.effort_max for joint in robot.joints])
        # A motor that can hold its limit for ever is not heated by it.
        continuous = [
            min(joint.effort_continuous, full) for joint, full in zip(settings.joints, self._full, strict=True)
        ]
        self._continuous = np.array(continuous)
        self._spare = self._full - self._continuous
        self._rate = np.array([1.0 / joint.thermal_time for joint in settings.joints])
        self._heats = any(isfinite(joint.effort_continuous) for joint in settings.joints)
        self._hottest = settings.envelope.temperature_max
        span = self._hottest - settings.temperature_derating
        self._derates = span > 0.0
        self._slope = 1.0 / span if self._derates else inf
        self._share, self._step = np.zeros_like(self._full), np.zeros_like(self._full)
        self._less = np.zeros(len(self._full), np.bool_)
        self.heat = np.zeros_like(self._full)
        """(J,), of the windings; 1 where the budget is used up."""
        self.allowed = self._full.copy()
        """(J,), N·m"""
        self.reduced = False
        """Whether any joint may have less than its limit."""

    def update(self, readings: JointState, elapsed_s: Float64Array) -> None:
        """Follow the readings of a tick.

        Args:
            readings: Efforts, all of them finite, and temperatures. An unknown temperature takes nothing off, and is
                a fault of its own after a while.
            elapsed_s: (J,), time since each joint's last reading.
        """
        if not (self._heats or self._derates):
            return
        allowed, share = self.allowed, self._share
        np.copyto(allowed, self._full)
        if self._heats:
            self._heat_up(readings.effort, elapsed_s)
        if self._derates:
            np.subtract(self._hottest, readings.temperature, out=share)
            np.multiply(share, self._slope, out=share)
            np.fmin(share, 1.0, out=share)  # NaN becomes 1
            np.fmax(share, 0.0, out=share)
            np.multiply(share, self._full, out=share)
            np.minimum(allowed, share, out=allowed)
        self.reduced = bool(np.count_nonzero(np.less(allowed, self._full, out=self._less)))

    def _heat_up(self, effort: Float64Array, elapsed_s: Float64Array) -> None:
        heat, change, allowed = self.heat, self._share, self.allowed
        np.divide(effort, self._continuous, out=change)
        np.multiply(change, change, out=change)
        np.subtract(change, heat, out=change)
        # A step of more than the time constant would overshoot.
        np.multiply(elapsed_s, self._rate, out=self._step)
        np.minimum(self._step, 1.0, out=self._step)
        np.multiply(change, self._step, out=change)
        np.add(heat, change, out=heat)
        if float(heat.max()) <= THERMAL_ONSET:  # nothing is taken off
            return
        np.subtract(heat, THERMAL_ONSET, out=change)
        np.multiply(change, 1.0 / (1.0 - THERMAL_ONSET), out=change)
        np.maximum(change, 0.0, out=change)
        np.minimum(change, 1.0, out=change)
        np.multiply(change, self._spare, out=change)
        np.subtract(allowed, change, out=allowed)
