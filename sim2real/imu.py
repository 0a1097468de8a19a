"""IMU readings of simulated robots at the start of an episode, when no step has brought any yet."""

import mujoco
import numpy as np
from mujoco.batch import Batch

from hardware.types import Float64Array
from sim2real.model import IMU_GROUPS, Indices, RobotModel


class FirstImuReadings:
    """Reads the IMUs of simulations that begin anew.

    Args:
        batch: The simulations.
        robot: Their model.
        groups: Groups of readings that are observed; those of joints are none of this one's.
        sensor_delay: Delays of the simulations, (n, sensors), where they are expanded.
    """

    def __init__(
        self, batch: Batch, robot: RobotModel, groups: tuple[str, ...], sensor_delay: Float64Array | None
    ) -> None:
        self.groups = tuple(group for group in groups if group in IMU_GROUPS)
        """Groups that are IMUs'."""
        self._batch, self._robot = batch, robot
        self._delay = sensor_delay
        self._sensordata, self._history = batch.bind("sensordata"), batch.bind("history")

    def read(self, ids: Indices) -> dict[str, Float64Array]:
        """Return the present readings of some simulations, whose state has just been set, by group.

        They also fill the delay buffers: what was read before the episode is what is read at its start.

        Args:
            ids: The k simulations.

        Returns:
            (k, 3K) or (k, 4K) by group; empty where no IMU is observed.
        """
        if not self.groups:
            return {}
        delays = None if self._delay is None else self._delay[ids]
        if self._delay is not None:
            self._delay[ids] = 0.0
        self._batch.forward(ids, stage=int(mujoco.mjtStage.mjSTAGE_VEL))
        if self._delay is not None:
            self._delay[ids] = delays
        return {group: self._read(ids, group) for group in self.groups}

    def _read(self, ids: Indices, group: str) -> Float64Array:
        values: Float64Array = self._sensordata[np.ix_(ids, self._robot.sensors[group])]
        columns = self._robot.sensor_history[group]
        if columns.size:
            imus = len(columns)
            samples = columns.shape[1] * imus // values.shape[1]
            self._history[ids[:, None, None], columns] = np.tile(values.reshape(len(ids), imus, -1), (1, 1, samples))
        return values
