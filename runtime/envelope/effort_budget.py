"""The effort that a joint may get now: its limit, less what heat takes off."""

from math import inf, isfinite

import numpy as np

from sim2real.hardware.flags import flags
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
        joints, hottest = len(robot.joints), settings.envelope.temperature_max
        span = hottest - settings.temperature_derating
        self._derates = span > 0.0
        self._hottest = np.full(joints, hottest)
        self._slope = np.full(joints, 1.0 / span if self._derates else inf)
        self._onset, self._whole = np.full(joints, THERMAL_ONSET), np.ones(joints)
        self._change, self._step = np.zeros(joints), np.zeros(joints)
        # Of the effort limit, as housings leave it; more than 1 where they are cool, NaN while that is unknown.
        self._share = np.ones(joints)
        self._cool, self._cool_memory = flags(2, joints)  # windings, housings
        self._cool.fill(True)
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
        if self._heats:
            self._heat_up(readings.effort, elapsed_s)
            np.less_equal(self.heat, self._onset, self._cool[0])
        if self._derates:
            np.subtract(self._hottest, readings.temperature, self._share)
            np.multiply(self._share, self._slope, self._share)
            np.greater_equal(self._share, self._whole, self._cool[1])
        if 0 in self._cool_memory or self.reduced:
            self._reduce()

    def _heat_up(self, effort: Float64Array, elapsed_s: Float64Array) -> None:
        heat, change, step = self.heat, self._change, self._step
        np.divide(effort, self._continuous, change)
        np.multiply(change, change, change)
        np.subtract(change, heat, change)
        # A step of more than the time constant would overshoot.
        np.multiply(elapsed_s, self._rate, step)
        np.minimum(step, self._whole, out=step)
        np.multiply(change, step, change)
        np.add(heat, change, heat)

    def _reduce(self) -> None:
        """Take off what heat takes, by joint; nothing where a joint is cool."""
        used = np.clip((self.heat - THERMAL_ONSET) * (1.0 / (1.0 - THERMAL_ONSET)), 0.0, 1.0)
        np.subtract(self._full, used * self._spare, out=self.allowed)
        share = np.fmax(np.fmin(self._share, 1.0), 0.0)  # NaN becomes 1
        np.minimum(self.allowed, share * self._full, out=self.allowed)
        self.reduced = bool((self.allowed < self._full).any())
