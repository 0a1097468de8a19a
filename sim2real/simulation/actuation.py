"""Actions to motor controls of simulated robots: noise, adversary, quantisation, joint offsets, lost commands."""

from typing import Any

import numpy as np
from mujoco.batch import Batch

from sim2real.configs.schema.task import TaskConfig
from sim2real.hardware.types import Float64Array
from sim2real.model.addresses import Indices, columns_of, joint_levers
from sim2real.model.gains import GAIN_CONSTANT, GAIN_RESISTANCE, GAIN_VOLTAGE_MAX
from sim2real.model.model import RobotModel
from sim2real.randomization.parameters import EpisodeParameters
from sim2real.randomization.random_streams import ALL, Float32Array, RandomStreams
from sim2real.runtime.contract.action import ActionPipeline
from sim2real.runtime.contract.spec import Contract
from sim2real.simulation.disturbance import Adversary
from sim2real.simulation.noise import ReadingNoise, register_resolution, round_to_counts

_VOLTAGE_MIN = 0.5  # lowest loaded supply voltage, as a share of the unloaded one


class Actuation:
    """Converts the actions of n robots to MuJoCo controls.

    Args:
        batch: The simulations.
        robot: Their model.
        task: The task.
        contract: Contract of the task.
        parameters: Randomised parameters of each episode.
        quantize: Round commands to register counts.
    """

    def __init__(
        self,
        batch: Batch,
        robot: RobotModel,
        task: TaskConfig,
        contract: Contract,
        parameters: EpisodeParameters,
        *,
        quantize: bool,
    ) -> None:
        n, joints = batch.nsim, len(robot.qpos)
        self.pipeline = ActionPipeline(contract, n)
        self._control: Float64Array = batch.bind("ctrl")
        self._columns = columns_of(robot.control)
        self._by_effort = contract.action.target == "effort"
        self._strength = parameters.strength
        self._offset = parameters.array("joint_offset")
        self._loss = parameters.array("action_loss")
        self._noise = ReadingNoise(joints, parameters, "action", np.zeros(joints))
        self.width = self._noise.width
        """White-noise samples per tick and robot."""
        self._adversary = Adversary(n, contract.observation_size, contract.action_size, parameters)
        noisy = any(parameters.array(name) is not None for name in ("action_gain", "action_bias", "action_white"))
        self._noisy = noisy
        self._scale = np.array(contract.action.scale)
        self._resolution = _resolution(task, by_effort=self._by_effort) if quantize else None
        self._supply = _Supply(batch, robot, task, parameters)
        self._target = np.zeros((n, joints))

    @property
    def field_names(self) -> list[str]:
        """Model fields that this part sets per simulation."""
        return self._supply.field_names

    def begin(self, ids: Indices, streams: RandomStreams) -> None:
        """Draw the errors and the adversary of new episodes."""
        self._noise.begin(ids, streams)
        self._adversary.begin(ids, streams)
        self._supply.begin(ids)

    def reset_controls(self, ids: Indices, position: Float64Array) -> Float64Array:
        """Set the controls of new episodes to hold the joint positions, both (k, J); return the controls.

        Relative targets start from the encoder positions.
        """
        neutral = np.zeros_like(position) if self._by_effort else position
        self.pipeline.reset(ids, position if self._offset is None else position + self._offset[ids])
        self._control[ids[:, None], np.arange(self._control.shape[1])[self._columns]] = neutral
        return neutral

    def command(
        self,
        action: Float32Array,
        observation: Float32Array,
        white: Float32Array,
        effort: Float64Array,
        streams: RandomStreams,
    ) -> None:
        """Write the controls of one control step.

        Args:
            action: Policy output, (n, A).
            observation: Observation of that action, (n, O).
            white: Unit noise, (n, width).
            effort: Output: commanded effort, (n, J); written for effort actions only.
            streams: Random numbers for lost commands.
        """
        targets = self.pipeline.apply(action)
        target = self._target
        np.copyto(target, targets.effort if self._by_effort else targets.position)
        self._disturb(target, observation, white)
        if self._resolution is not None:
            round_to_counts(target, self._resolution)
        if self._by_effort:
            np.copyto(effort, target)
            np.multiply(target, self._strength, out=target)
        elif self._offset is not None:
            np.subtract(target, self._offset, out=target)
        if self._loss is None:
            self._control[:, self._columns] = target
        else:
            arrived = np.flatnonzero(streams.uniform(ALL, 1)[:, 0] >= self._loss[:, 0])
            self._control[arrived[:, None], np.arange(self._control.shape[1])[self._columns]] = target[arrived]

    def update_supply(self) -> None:
        """Update the supply voltage from the load of the last control step."""
        self._supply.update()

    def _disturb(self, target: Float64Array, observation: Float32Array, white: Float32Array) -> None:
        """Add noise and adversary, scaled like actions, to targets, (n, J)."""
        if self._noisy:
            action = self.pipeline.last_action.astype(np.float64)
            clean = action.copy()
            self._noise.apply(action, white)
            target += (action - clean) * self._scale
        perturbation = self._adversary.perturbation(observation, self.pipeline.last_action)
        if perturbation is not None:
            target += perturbation * self._scale

    def state_dict(self) -> dict[str, Any]:
        """Return the state needed to resume bit for bit."""
        return {
            "pipeline": self.pipeline.state_dict(),
            "noise": self._noise.state_dict(),
            "adversary": self._adversary.state_dict(),
            "supply": self._supply.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what `state_dict` returned."""
        self.pipeline.load_state_dict(state["pipeline"])
        self._noise.load_state_dict(state["noise"])
        self._adversary.load_state_dict(state["adversary"])
        self._supply.load_state_dict(state["supply"])


class _Supply:
    """Supplies whose voltages sag, each by its own resistance times the total current of its own motors.

    Winding current: effort / motor constant. Supply current: (mechanical power + winding heat) / unloaded voltage.
    """

    def __init__(self, batch: Batch, robot: RobotModel, task: TaskConfig, parameters: EpisodeParameters) -> None:
        self._resistance = parameters.array("supply_resistance")
        self._voltage_max = np.zeros((0, 0))
        if self._resistance is None:
            return
        self._drawn = "actuator_gainprm" in parameters.field_names
        every = slice(None)  # a slice copies nothing
        self._supplies: list[tuple[slice | Indices, float]] = [
            (every if len(supply.joints) == len(robot.actuator) else supply.joints, supply.voltage)
            for supply in robot.supplies.values()
        ]
        self._actuators, self._dof = robot.actuator, columns_of(robot.dof)
        self._levers = joint_levers(task.robot)
        self._gain: Float64Array = batch.expand("actuator_gainprm")
        self._force: Float64Array = batch.bind("actuator_force")
        self._velocity: Float64Array = batch.bind("qvel")
        self._voltage_max = self._gain[:, self._actuators, GAIN_VOLTAGE_MAX].copy()
        self._rated = self._voltage_max[0].copy()
        self._unloaded = np.repeat([[volts for _, volts in self._supplies]], batch.nsim, axis=0)
        """(n, supplies), V."""

    def begin(self, ids: Indices) -> None:
        """Store the voltages drawn for new episodes; restore the robot's where none are drawn."""
        if self._resistance is None:
            return
        where = ids[:, None], self._actuators, GAIN_VOLTAGE_MAX
        if self._drawn:
            self._voltage_max[ids] = self._gain[where]
            self._note_unloaded()
        self._gain[where] = self._voltage_max[ids]

    def update(self) -> None:
        """Set the voltage of the next control step from the load of the last one."""
        if self._resistance is None:
            return
        effort, speed = self._force[:, self._actuators], self._velocity[:, self._dof]
        if self._levers is not None:
            speed = speed / self._levers
        # Diverged simulations may hold any effort or speed; they are reset next.
        with np.errstate(invalid="ignore", over="ignore"):
            current = effort / self._gain[:, self._actuators, GAIN_CONSTANT]
            heat = np.square(current) * self._gain[:, self._actuators, GAIN_RESISTANCE]
            power = np.fmax(effort * speed + heat, 0.0)
        parts = zip(self._supplies, self._resistance.T, self._unloaded.T, strict=True)
        for (joints, _), resistance, unloaded in parts:
            total = power[:, joints].sum(axis=1, keepdims=True)
            share = np.maximum(1.0 - resistance[:, None] * total / unloaded[:, None] ** 2, _VOLTAGE_MIN)
            self._gain[:, self._actuators[joints], GAIN_VOLTAGE_MAX] = self._voltage_max[:, joints] * share

    def _note_unloaded(self) -> None:
        """Note the drawn voltage of each supply, in the mean of its motors."""
        for column, (joints, volts) in enumerate(self._supplies):
            drawn = (self._voltage_max[:, joints] / self._rated[joints]).mean(axis=1)
            self._unloaded[:, column] = volts * drawn

    @property
    def field_names(self) -> list[str]:
        """Names of the expanded model fields."""
        return [] if self._resistance is None else ["actuator_gainprm"]

    def state_dict(self) -> dict[str, Any]:
        """Return the unloaded voltages."""
        return {"voltage_max": self._voltage_max.copy()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what `state_dict` returned."""
        self._voltage_max[...] = state["voltage_max"]
        if self._resistance is not None:
            self._note_unloaded()


def _resolution(task: TaskConfig, *, by_effort: bool) -> Float64Array:
    """Return one register count of the commanded quantity, (J,), SI; 1e-9 (negligible) for impedance mode."""
    resolution = register_resolution(task.robot)["joint_effort" if by_effort else "joint_position"]
    fine = np.array([joint.mode == "impedance" for joint in task.robot.joints.values()])
    return np.where(fine, 1e-9, resolution)
