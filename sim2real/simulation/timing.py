"""Delays of actions and readings, polling intervals and period jitter, set per episode; delays exact in the mean."""

from typing import Any

import numpy as np
from mujoco.batch import Batch

from sim2real.hardware.types import Float64Array
from sim2real.model.addresses import Indices
from sim2real.model.model import GROUPS_OF_KIND, RobotModel
from sim2real.randomization.parameters import EpisodeParameters
from sim2real.randomization.random_streams import ALL, RandomStreams

_ROUNDING = 1e-9  # steps; a latency of whole steps stays as it is


class EpisodeTiming:
    """Delay and interval fields of n simulations. Only randomised fields are expanded.

    Args:
        batch: The simulations.
        robot: Their model.
        groups: Groups of readings with sensors.
        parameters: Source of delays and intervals.
        timestep: Physics step, s: the minimum age of a reading.
    """

    def __init__(
        self, batch: Batch, robot: RobotModel, groups: tuple[str, ...], parameters: EpisodeParameters, timestep: float
    ) -> None:
        self._timestep, self._actuators = timestep, robot.actuator
        self._action_latency = parameters.array("action_latency")
        sensors = {
            kind: np.concatenate([np.zeros(0, np.intp), *(robot.sensor_ids[group] for group in groups if group in of)])
            for kind, of in GROUPS_OF_KIND.items()
        }
        latencies: dict[str, Any] = {
            "joint": parameters.array("joint_latency"),
            "imu": parameters.array("imu_latency"),
            "tip": parameters.array("tip_latency"),
        }
        intervals: dict[str, Any] = {
            "joint": parameters.array("joint_interval"),
            "imu": parameters.array("imu_interval"),
        }
        self._latencies = [(sensors[kind], of) for kind, of in latencies.items() if of is not None]
        self._intervals = [(sensors[kind], of) for kind, of in intervals.items() if of is not None]
        delays = self._action_latency is not None
        self._action: Float64Array | None = batch.expand("actuator_delay") if delays else None
        self.sensor: Float64Array | None = batch.expand("sensor_delay") if self._latencies else None
        """Delays of sensors, (n, sensors), s; None without delays."""
        self.interval: Float64Array | None = batch.expand("sensor_interval") if self._intervals else None
        self._history: Float64Array = batch.bind("history")
        self._last_poll = robot.model.sensor_historyadr.astype(np.intp)  # first element of a delay buffer (MuJoCo 4)

    @property
    def field_names(self) -> list[str]:
        """Names of the expanded model fields."""
        fields = (
            ("actuator_delay", self._action),
            ("sensor_delay", self.sensor),
            ("sensor_interval", self.interval),
        )
        return [name for name, values in fields if values is not None]

    def begin(self, ids: Indices, streams: RandomStreams) -> None:
        """Set the delays of new episodes: whole physics steps, rounded up or down such that their mean is exact."""
        if self._action is not None and self._action_latency is not None:
            self._action[ids[:, None], self._actuators] = self._whole_steps(self._action_latency[ids], ids, streams)
        if self.sensor is not None:
            for sensors, latency in self._latencies:
                age = self._whole_steps(latency[ids], ids, streams)
                self.sensor[ids[:, None], sensors] = np.maximum(age - self._timestep, 0.0)
        if self.interval is not None:
            for sensors, interval in self._intervals:
                self.interval[ids[:, None], sensors, 0] = interval[ids]

    def _whole_steps(self, latency: Float64Array, ids: Indices, streams: RandomStreams) -> Float64Array:
        """Return latencies, (k, 1), as whole steps: 3 ms is 2 ms in half of the episodes and 4 ms in the others."""
        steps: Float64Array = np.floor(
            latency / self._timestep + streams.uniform(ids, 1) * (1.0 - _ROUNDING) + _ROUNDING
        )
        return steps * self._timestep

    def draw_poll_phase(self, ids: Indices, streams: RandomStreams) -> None:
        """Draw the time of the last poll before new episodes: up to one interval before time 0.

        Sensors of one group are polled together.
        """
        for sensors, interval in self._intervals:
            self._history[ids[:, None], self._last_poll[sensors]] = -streams.uniform(ids, 1) * interval[ids]


class PeriodJitter:
    """Stretches every control period by an exponentially distributed excess.

    Args:
        batch: The simulations.
        parameters: Source of `period_jitter`, the mean excess, in periods.
        timestep: Physics step, s.
    """

    def __init__(self, batch: Batch, parameters: EpisodeParameters, timestep: float) -> None:
        self._mean = parameters.array("period_jitter")
        self._timestep = timestep
        self._field: Float64Array | None = batch.expand("opt.timestep") if self._mean is not None else None

    @property
    def field_names(self) -> list[str]:
        """Names of the expanded model fields."""
        return [] if self._field is None else ["opt.timestep"]

    def stretch(self, streams: RandomStreams) -> None:
        """Draw the length of the next period of every simulation."""
        if self._field is not None and self._mean is not None:
            excess = -np.log1p(-streams.uniform(ALL, 1)) * self._mean
            self._field[...] = (self._timestep * (1.0 + excess)).reshape(self._field.shape)
