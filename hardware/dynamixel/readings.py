"""Converts the registers of a group read to joint states: units, directions, zeros and turns."""

from collections.abc import Iterable, Mapping

import numpy as np
import numpy.typing as npt
from numpy import add, multiply

from sim2real.hardware.dynamixel.scales import JointScales
from sim2real.hardware.types import BoolArray, JointState

Columns = Mapping[str, npt.NDArray[np.integer[npt.NBitBase]]]
"""(N,) each, the registers of all motors by the names in `StateReader.columns`."""

_VOLTS = 0.1


class Readings:
    """Writes the motors' replies to a joint state."""

    def __init__(self, scales: JointScales) -> None:
        self._scales = scales
        count = len(scales.position)
        # One block, so that two operations convert everything. Adding -0.0 changes nothing, not even the sign of zero.
        self._block = np.empty((3, count))
        self._position, self._velocity, self._effort = self._block
        self._scale = np.stack((scales.position, scales.velocity, scales.effort))
        self._offset = np.full((3, count), -0.0)
        self._offset[0] = scales.position_offset

    def take_all(self, columns: Columns, state: JointState, now_ns: int, health: bool) -> None:
        """Store the readings of all motors without allocation; with `health` also voltage and temperature."""
        block = self._block
        # Copied first: to multiply the integers takes twice as long.
        self._position[...] = columns["position"]
        self._velocity[...] = columns["velocity"]
        self._effort[...] = columns["effort"]
        multiply(block, self._scale, block)
        add(block, self._offset, block)
        state.position[...] = self._position
        state.velocity[...] = self._velocity
        state.effort[...] = self._effort
        state.stamp_ns.fill(now_ns)
        state.fresh.fill(True)
        if health:
            np.multiply(columns["voltage"], _VOLTS, out=state.voltage)
            state.temperature[...] = columns["temperature"]
            state.health_stamp_ns.fill(now_ns)

    def take_some(self, columns: Columns, state: JointState, answered: BoolArray, now_ns: int, health: bool) -> None:
        """Store the readings of the motors that answered."""
        scales = self._scales
        scaled = columns["position"] * scales.position + scales.position_offset
        np.copyto(state.position, scaled, where=answered)
        np.copyto(state.velocity, columns["velocity"] * scales.velocity, where=answered)
        np.copyto(state.effort, columns["effort"] * scales.effort, where=answered)
        np.copyto(state.stamp_ns, now_ns, where=answered)
        np.copyto(state.fresh, answered)
        if health:
            np.copyto(state.voltage, columns["voltage"] * _VOLTS, where=answered)
            np.copyto(state.temperature, columns["temperature"], where=answered)
            np.copyto(state.health_stamp_ns, now_ns, where=answered)

    def take_positions(self, columns: Columns, state: JointState, motors: Iterable[int]) -> None:
        """Store the positions of some motors again, after their turns have changed."""
        scales, position = self._scales, columns["position"]
        for index in motors:
            state.position[index] = position[index] * scales.position[index] + scales.position_offset[index]
