"""Converts the words of a sync read to joint states: signs, units, directions and zeros."""

import numpy as np
from numpy import add, bitwise_and, multiply, subtract

from sim2real.hardware.feetech.layout import ReplyLayout
from sim2real.hardware.feetech.motor import faults_of
from sim2real.hardware.feetech.scales import JointScales
from sim2real.hardware.types import BoolArray, Int64Array, JointState

# A table look-up per word is faster than handling the sign bit.
_SIGNED = np.arange(1 << 16, dtype=np.int64)
_SIGNED[1 << 15 :] = -_SIGNED[: 1 << 15]
_SIGNED_FLOAT = _SIGNED.astype(np.float64)  # multiplying integers by floats in numpy takes three times as long
_FAULTS = np.array([int(faults_of(status)) for status in range(256)], np.int64)
_VOLTS = 0.1


class Readings:
    """Writes the motors' replies to a joint state.

    Attributes:
        alarms: (N,) bits of `MotorFault` in the last reply of each motor.
    """

    def __init__(self, scales: JointScales) -> None:
        self._scales = scales
        self._steps = np.zeros(len(scales.position), np.int64)
        self.alarms: Int64Array = np.zeros(len(scales.position), np.int64)

    def take_all(self, layout: ReplyLayout, state: JointState, now_ns: int, health: bool) -> None:
        """Store the readings of all motors without allocation; with `health` also voltage and temperature."""
        scales, steps = self._scales, self._steps
        _SIGNED.take(layout.position, out=steps, mode="clip")
        subtract(steps, scales.window, out=steps)
        bitwise_and(steps, scales.turn, out=steps)
        add(steps, scales.window, out=steps)
        state.position[...] = steps
        multiply(state.position, scales.position, out=state.position)
        add(state.position, scales.position_offset, out=state.position)
        _SIGNED_FLOAT.take(layout.velocity, out=state.velocity, mode="clip")
        multiply(state.velocity, scales.velocity, out=state.velocity)
        _SIGNED_FLOAT.take(layout.current, out=state.effort, mode="clip")
        multiply(state.effort, scales.effort, out=state.effort)
        _FAULTS.take(layout.errors, out=self.alarms, mode="clip")
        state.stamp_ns.fill(now_ns)
        state.fresh.fill(True)
        if health:
            multiply(layout.voltage, _VOLTS, out=state.voltage)
            state.temperature[...] = layout.temperature
            state.health_stamp_ns.fill(now_ns)

    def take_some(self, layout: ReplyLayout, state: JointState, answered: BoolArray, now_ns: int, health: bool) -> None:
        """Store the readings of the motors that answered."""
        scales = self._scales
        steps = (_SIGNED[layout.position] - scales.window & scales.turn) + scales.window
        np.copyto(state.position, steps * scales.position + scales.position_offset, where=answered)
        np.copyto(state.velocity, _SIGNED[layout.velocity] * scales.velocity, where=answered)
        np.copyto(state.effort, _SIGNED[layout.current] * scales.effort, where=answered)
        np.copyto(state.stamp_ns, now_ns, where=answered)
        np.copyto(state.fresh, answered)
        np.copyto(self.alarms, _FAULTS[layout.errors], where=answered)
        if health:
            np.copyto(state.voltage, layout.voltage * _VOLTS, where=answered)
            np.copyto(state.temperature, layout.temperature, where=answered)
            np.copyto(state.health_stamp_ns, now_ns, where=answered)
