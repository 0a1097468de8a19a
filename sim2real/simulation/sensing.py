"""Sensor data of simulated robots to readings: delayed by the model, then noisy, rounded, or lost."""

from typing import Any

import mujoco
import numpy as np
from mujoco.batch import Batch

from sim2real.configs.schema.task import TaskConfig
from sim2real.hardware.types import BoolArray, Float64Array
from sim2real.model.addresses import Indices, columns_of
from sim2real.model.injection import IMU_GROUPS
from sim2real.model.model import JOINT_GROUPS, TIP_GROUP, RobotModel
from sim2real.randomization.parameters import EpisodeParameters
from sim2real.randomization.random_streams import ALL, Float32Array, RandomStreams
from sim2real.runtime.contract.signals import Signals
from sim2real.simulation.noise import reading_noises
from sim2real.simulation.slope import GroundSlope
from sim2real.simulation.timing import EpisodeTiming


class Sensing:
    """Writes the readings of n robots into the signals that the contract observes.

    Args:
        batch: The simulations.
        robot: Their model.
        task: The task.
        groups: Observed groups of readings.
        parameters: Randomised parameters of each episode.
        timing: Delays of the sensors.
        slope: Slope of the ground.
        quantize: Round readings to register counts.
    """

    def __init__(
        self,
        batch: Batch,
        robot: RobotModel,
        task: TaskConfig,
        groups: tuple[str, ...],
        parameters: EpisodeParameters,
        timing: EpisodeTiming,
        slope: GroundSlope,
        *,
        quantize: bool,
    ) -> None:
        n = batch.nsim
        self._batch, self._robot, self._groups, self._timing, self._slope = batch, robot, groups, timing, slope
        self.signals = Signals.zeros(n, len(robot.qpos), len(task.robot.imus), len(task.commands))
        # Views with one row per robot; sensor data are copied into them.
        self._readings: dict[str, Float64Array] = {
            group: getattr(self.signals, group).reshape(n, -1) for group in groups
        }
        self._sensordata: Float64Array = batch.bind("sensordata")
        self._history: Float64Array = batch.bind("history")
        self._columns = {group: columns_of(robot.sensors[group]) for group in groups}
        self._noises = reading_noises(groups, parameters, task.robot, quantize=quantize)
        self._offset = parameters.array("joint_offset")
        self._loss = parameters.array("reading_loss")
        self.widths = [self._noises[group].width for group in groups]
        """White-noise samples per tick and robot, by group."""
        self._simulator_groups = tuple(group for group in groups if group in IMU_GROUPS or group == TIP_GROUP)
        true_sensors = (robot.true_feet, robot.true_tip, robot.true_contact, robot.true_attitude)
        self._has_true_sensors = any(columns is not None for columns in true_sensors)

    def sense(self, white: list[Float32Array], streams: RandomStreams) -> None:
        """Read all sensors.

        Args:
            white: Unit noise of each group, (n, width).
            streams: Random numbers for lost readings.
        """
        lost: BoolArray | None = None
        if self._loss is not None:
            lost = streams.uniform(ALL, 1) < self._loss
        # Sensors of diverged simulations may hold any number; `clear` overwrites them.
        with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
            for group, noise in zip(self._groups, white, strict=True):
                self._sense(group, noise, lost)

    def _sense(self, group: str, white: Float32Array, lost: BoolArray | None) -> None:
        """Read the sensors of one group; joint readings keep their last value where `lost`, (n, 1), is set."""
        values = self._readings[group]
        before = values.copy() if lost is not None and group in JOINT_GROUPS else None
        np.copyto(values, self._sensordata[:, self._columns[group]])
        if group == "orientation":
            self._slope.to_vertical(values)
        elif group == "joint_position" and self._offset is not None:
            np.add(values, self._offset, out=values)
        self._noises[group].apply(values, white)
        if before is not None and lost is not None:
            np.copyto(values, before, where=lost)

    def first_readings(
        self, ids: Indices, position: Float64Array, velocity: Float64Array, streams: RandomStreams
    ) -> Signals:
        """Return the readings of k new episodes whose state has just been set; fill the delay buffers with them.

        Args:
            ids: The simulations, (k,).
            position: True joint positions, (k, J), rad.
            velocity: True joint velocities, (k, J), rad/s.
            streams: Random numbers for the noise.
        """
        own = self.signals
        first = Signals.zeros(len(ids), position.shape[1], own.orientation.shape[1], own.command.shape[1])
        present = {"joint_position": position, "joint_velocity": velocity} | self._simulator_readings(ids)
        for group in self._groups:
            values: Float64Array = getattr(first, group).reshape(len(ids), -1)
            if group in present:
                values[:] = present[group]
                self._fill(ids, group, values)
            if group == "orientation":
                self._slope.to_vertical(values, ids)
            elif group == "joint_position" and self._offset is not None:
                values += self._offset[ids]
            noise = self._noises[group]
            noise.begin(ids, streams)
            noise.apply_first(ids, values, streams)
            self._readings[group][ids] = values
        return first

    def clear(self, ids: Indices) -> None:
        """Set the readings of diverged simulations to zero, and orientations to the identity."""
        for group, values in self._readings.items():
            values[ids] = 0.0 if group != "orientation" else np.tile([1.0, 0.0, 0.0, 0.0], values.shape[1] // 4)

    def _simulator_readings(self, ids: Indices) -> dict[str, Float64Array]:
        """Return the undelayed readings of IMUs and tip, (k, …) by group: they need a forward pass of the simulator."""
        if not (self._simulator_groups or self._has_true_sensors):
            return {}
        fields = [field for field in (self._timing.sensor, self._timing.interval) if field is not None]
        kept = [field[ids].copy() for field in fields]
        for field in fields:
            field[ids] = 0.0
        self._batch.forward(ids, stage=int(mujoco.mjtStage.mjSTAGE_VEL))
        for field, values in zip(fields, kept, strict=True):
            field[ids] = values
        return {group: self._sensordata[ids[:, None], self._robot.sensors[group]] for group in self._simulator_groups}

    def _fill(self, ids: Indices, group: str, values: Float64Array) -> None:
        """Fill the delay buffers of a group with its readings, (k, …)."""
        columns = self._robot.sensor_history[group]
        if columns.size:
            sensors = len(columns)
            size = values.shape[1] // sensors
            samples = columns.shape[1] // size
            past = values.reshape(len(ids), sensors, 1, size).repeat(samples, axis=2)
            self._history[ids[:, None, None], columns] = past.reshape(len(ids), sensors, samples * size)

    def state_dict(self) -> dict[str, Any]:
        """Return the state needed to resume bit for bit."""
        return {
            "noise": {group: self._noises[group].state_dict() for group in self._groups},
            "readings": {group: values.copy() for group, values in self._readings.items()},
            "command": self.signals.command.copy(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what `state_dict` returned."""
        for group in self._groups:
            self._noises[group].load_state_dict(state["noise"][group])
            self._readings[group][...] = state["readings"][group]
        self.signals.command[...] = state["command"]
