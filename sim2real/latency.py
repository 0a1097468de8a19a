"""Delays of actions and readings, drawn for each episode, exact to the physics step."""

import numpy as np
from mujoco.batch import Batch

from configs.schema.randomization import LatencyConfig
from hardware.types import Float64Array
from sim2real.model import IMU_GROUPS, Indices, RobotModel


class EpisodeLatency:
    """The delay fields of n simulations. Fields that nothing delays are not expanded.

    Args:
        batch: The simulations.
        robot: Their model.
        groups: Groups of readings that it has sensors for.
        latency: Ranges to draw from.
        timestep: Physics step, s: a reading is never younger than one.
    """

    def __init__(
        self, batch: Batch, robot: RobotModel, groups: tuple[str, ...], latency: LatencyConfig, timestep: float
    ) -> None:
        self._latency, self._timestep = latency, timestep
        self._actuators = robot.actuator
        self._joint_sensors = _ids(robot, tuple(group for group in groups if group not in IMU_GROUPS))
        self._imu_sensors = _ids(robot, tuple(group for group in groups if group in IMU_GROUPS))
        delayed = latency.observation[1] > 0.0 or latency.imu[1] > 0.0
        self._action: Float64Array | None = batch.expand("actuator_delay") if latency.action[1] > 0.0 else None
        self.sensor: Float64Array | None = batch.expand("sensor_delay") if delayed else None
        """Delays of sensors, (n, sensors), s; None where nothing is delayed."""

    @property
    def field_names(self) -> list[str]:
        """Names of the model fields that are expanded."""
        fields = (("actuator_delay", self._action), ("sensor_delay", self.sensor))
        return [name for name, values in fields if values is not None]

    def draw(self, ids: Indices, rng: np.random.Generator) -> None:
        """Draw the delays of new episodes."""
        latency, count = self._latency, len(ids)
        if self._action is not None:
            self._action[np.ix_(ids, self._actuators)] = rng.uniform(*latency.action, count)[:, None]
        if self.sensor is not None:
            # All joints share one exchange on the bus, so all their readings have one age; IMUs send by themselves.
            self._set(ids, self._joint_sensors, rng.uniform(*latency.observation, count))
            if len(self._imu_sensors):
                self._set(ids, self._imu_sensors, rng.uniform(*latency.imu, count))

    def _set(self, ids: Indices, sensors: Indices, age: Float64Array) -> None:
        if self.sensor is not None:
            self.sensor[np.ix_(ids, sensors)] = np.maximum(age - self._timestep, 0.0)[:, None]


def _ids(robot: RobotModel, groups: tuple[str, ...]) -> Indices:
    return np.concatenate([np.zeros(0, np.intp), *(robot.sensor_ids[group] for group in groups)])
