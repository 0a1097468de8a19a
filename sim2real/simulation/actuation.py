"""From actions to the motors of simulated robots: noise, adversary, register counts, joint offsets, lost commands."""

from typing import Any

import numpy as np
from mujoco.batch import Batch

from sim2real.configs.schema.task import TaskConfig
from sim2real.hardware.types import Float64Array
from sim2real.model.addresses import Indices, columns_of
from sim2real.model.gains import GAIN_CONSTANT, GAIN_RESISTANCE, GAIN_VOLTAGE_MAX
from sim2real.model.model import RobotModel
from sim2real.randomization.parameters import EpisodeParameters
from sim2real.randomization.random_streams import Float32Array, RandomStreams
from sim2real.runtime.contract.action import ActionPipeline
from sim2real.runtime.contract.spec import Contract
from sim2real.simulation.disturbance import Adversary
from sim2real.simulation.noise import ReadingNoise, quantize, register_resolution

_VOLTAGE_MIN = 0.5  # share of the supply's voltage below which it does not sag


class Actuation:
    """Turns the actions of n robots into controls.

    Args:
        batch: The simulations.
        robot: Their model.
        task: The task.
        contract: Its contract.
        parameters: What differs between episodes.
        rounds: Whether commands are rounded to register counts.
    """

    def __init__(
        self,
        batch: Batch,
        robot: RobotModel,
        task: TaskConfig,
        contract: Contract,
        parameters: EpisodeParameters,
        *,
        rounds: bool,
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
        """How many numbers of white noise a tick takes."""
        self._adversary = Adversary(n, contract.observation_size, contract.action_size, parameters)
        noisy = any(parameters.array(name) is not None for name in ("action_gain", "action_bias", "action_white"))
        self._noisy = noisy
        self._scale = np.array(contract.action.scale)
        self._resolution = _resolution(task, by_effort=self._by_effort) if rounds else None
        self._supply = _Supply(batch, robot, task, parameters)
        self._target = np.zeros((n, joints))
        self._all = np.arange(n)

    @property
    def field_names(self) -> list[str]:
        """Names of the model fields that differ between simulations because of the supply."""
        return self._supply.field_names

    def begin(self, ids: Indices, streams: RandomStreams) -> None:
        """Begin new episodes: errors and adversary are drawn."""
        self._noise.begin(ids, streams)
        self._adversary.begin(ids, streams)
        self._supply.begin(ids)

    def neutral(self, ids: Indices, position: Float64Array) -> Float64Array:
        """Set and return the controls, (k, J), that came before an episode whose joints stand at `position`.

        Targets go on from where encoders say that the joints are.
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
            action: The policy's output, (n, A).
            observation: What it was computed from, (n, O).
            white: Unit noise, (n, width).
            effort: Where the commanded effort goes, (n, J), if joints are driven by effort.
            streams: For lost commands.
        """
        targets = self.pipeline.apply(action)
        target = self._target
        np.copyto(target, targets.effort if self._by_effort else targets.position)
        self._disturb(target, observation, white)
        if self._resolution is not None:
            quantize(target, self._resolution)
        if self._by_effort:
            np.copyto(effort, target)
            np.multiply(target, self._strength, out=target)
        elif self._offset is not None:
            np.subtract(target, self._offset, out=target)
        if self._loss is None:
            self._control[:, self._columns] = target
        else:
            arrived = np.flatnonzero(streams.uniform(self._all, 1)[:, 0] >= self._loss[:, 0])
            self._control[arrived[:, None], np.arange(self._control.shape[1])[self._columns]] = target[arrived]

    def load_supply(self) -> None:
        """Let the supply's voltage follow the load of the control step that has just been made."""
        self._supply.sag()

    def _disturb(self, target: Float64Array, observation: Float32Array, white: Float32Array) -> None:
        """Change targets, (n, J), by noise and adversary, in proportion to the scale of actions."""
        if self._noisy:
            action = self.pipeline.last_action.astype(np.float64)
            clean = action.copy()
            self._noise.apply(action, white)
            target += (action - clean) * self._scale
        change = self._adversary.change(observation, self.pipeline.last_action)
        if change is not None:
            target += change * self._scale

    def state_dict(self) -> dict[str, Any]:
        """Return what the next step depends on."""
        return {
            "pipeline": self.pipeline.state_dict(),
            "noise": self._noise.state_dict(),
            "adversary": self._adversary.state_dict(),
            "supply": self._supply.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from a state."""
        self.pipeline.load_state_dict(state["pipeline"])
        self._noise.load_state_dict(state["noise"])
        self._adversary.load_state_dict(state["adversary"])
        self._supply.load_state_dict(state["supply"])


class _Supply:
    """A supply whose voltage sags by its resistance times the current that all motors draw together.

    The current of a motor is effort over its constant; what it takes from the supply is the mechanical power and the
    heat of its windings, over the supply's voltage.
    """

    def __init__(self, batch: Batch, robot: RobotModel, task: TaskConfig, parameters: EpisodeParameters) -> None:
        self._resistance = parameters.array("supply_resistance")
        self._voltage_max = np.zeros((0, 0))
        if self._resistance is None:
            return
        self._drawn = "actuator_gainprm" in parameters.field_names
        self._voltage = task.robot.supply_voltage
        self._actuators, self._dof = robot.actuator, columns_of(robot.dof)
        self._gain: Float64Array = batch.expand("actuator_gainprm")
        self._force: Float64Array = batch.bind("actuator_force")
        self._velocity: Float64Array = batch.bind("qvel")
        self._voltage_max = self._gain[:, self._actuators, GAIN_VOLTAGE_MAX].copy()

    def begin(self, ids: Indices) -> None:
        """Take over the voltages that were drawn for new episodes, or bring back those of the robot."""
        if self._resistance is None:
            return
        where = ids[:, None], self._actuators, GAIN_VOLTAGE_MAX
        if self._drawn:
            self._voltage_max[ids] = self._gain[where]
        self._gain[where] = self._voltage_max[ids]

    def sag(self) -> None:
        """Set the voltage of the next control step from the load of the last one."""
        if self._resistance is None:
            return
        effort, speed = self._force[:, self._actuators], self._velocity[:, self._dof]
        # Of a simulation that has diverged efforts and speeds may be anything; it is about to begin anew.
        with np.errstate(invalid="ignore", over="ignore"):
            current = effort / self._gain[:, self._actuators, GAIN_CONSTANT]
            heat = np.square(current) * self._gain[:, self._actuators, GAIN_RESISTANCE]
            power = np.fmax(effort * speed + heat, 0.0).sum(axis=1, keepdims=True)
        share = np.maximum(1.0 - self._resistance * power / self._voltage**2, _VOLTAGE_MIN)
        self._gain[:, self._actuators, GAIN_VOLTAGE_MAX] = self._voltage_max * share

    @property
    def field_names(self) -> list[str]:
        """Names of the model fields that are expanded."""
        return [] if self._resistance is None else ["actuator_gainprm"]

    def state_dict(self) -> dict[str, Any]:
        """Return the voltages without load."""
        return {"voltage_max": self._voltage_max.copy()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from a state."""
        self._voltage_max[...] = state["voltage_max"]


def _resolution(task: TaskConfig, *, by_effort: bool) -> Float64Array:
    """Return the size of one count of what is commanded, (J,), SI; impedance commands are far finer than anything."""
    resolution = register_resolution(task.robot)["joint_effort" if by_effort else "joint_position"]
    fine = np.array([joint.mode == "impedance" for joint in task.robot.joints.values()])
    return np.where(fine, 1e-9, resolution)
