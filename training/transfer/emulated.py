"""Episodes on the emulated robot in lockstep, judged by the plant's true state as in simulation."""

import mujoco
import numpy as np
import numpy.typing as npt

from sim2real.configs.schema.task import TaskConfig
from sim2real.model.addresses import joint_addresses
from sim2real.model.model import ModelOptions, build_model
from sim2real.plant import MujocoPlant
from sim2real.randomization.random_streams import RandomStreams
from sim2real.runtime.contract.goal import Goal
from sim2real.runtime.contract.signals import Signals
from sim2real.runtime.contract.spec import contract_of
from sim2real.runtime.controller import Controller
from sim2real.runtime.emulation import lockstep
from sim2real.runtime.policy import Policy
from sim2real.runtime.session import RunOptions, run_session
from sim2real.runtime.states import State
from sim2real.simulation.command_source import make_commands
from sim2real.task.ground_truth import GroundTruth
from sim2real.task.requirements import Requirements
from sim2real.task.state import TaskConstants, TaskState
from sim2real.task.task_metrics import make_metrics
from sim2real.task.terms import Terms
from sim2real.training.transfer.performance import WorldPerformance

_ONE = np.zeros(1, np.intp)
_START_SPREAD = 0.03  # rad; joints begin so far from the default pose at the most


def judge_emulated(policy: Policy, task: TaskConfig, episodes: int, duration: float, *, seed: int) -> WorldPerformance:
    """Run a policy on the emulated robot several times; start pose and commands differ from run to run.

    Args:
        policy: The exported policy.
        task: What it is for; commands are drawn as in simulation.
        episodes: How many runs.
        duration: Of each, s of policy.
        seed: Of start poses and commands.
    """
    return WorldPerformance.of([_episode(policy, task, duration, seed + number) for number in range(episodes)])


def _episode(policy: Policy, task: TaskConfig, duration: float, seed: int) -> dict[str, float]:
    world = lockstep(task.robot, plant="mujoco")
    streams = RandomStreams(seed, 1)
    plant = world.emulated.plant
    if not isinstance(plant, MujocoPlant):
        raise TypeError(f"the emulated robot has a {type(plant).__name__}, not MuJoCo's mechanics")
    _place(plant, task, streams)
    witness = EpisodeRecorder(plant, task, streams, duration)
    options = RunOptions(duration=duration, commands=witness.first_commands, on_tick=witness.watch)
    report = run_session(policy, task.robot, world.hardware, world.clock, options)
    if options.stop.cause:
        raise KeyboardInterrupt
    whole = witness.whole and report.final_state is State.RUNNING
    figures = witness.figures()
    reached = report.goal_reached if report.goal_reached is not None else whole
    performance = figures.pop("performance") if task.performance is not None else float(reached)
    return {"performance": performance, "terminated": float(not whole), "success": float(reached and whole)} | figures


def _place(plant: MujocoPlant, task: TaskConfig, streams: RandomStreams) -> None:
    """Move the joints of a plant a little away from where it begins."""
    columns, _ = joint_addresses(plant.model, task.robot)
    offset = (2.0 * streams.uniform(_ONE, len(columns))[0] - 1.0) * _START_SPREAD
    plant.data.qpos[columns] += offset
    mujoco.mj_forward(plant.model, plant.data)
    plant.position += offset


class _Reading:
    """The arrays of one simulation, as a batch of one."""

    nsim = 1

    def __init__(self, data: mujoco.MjData) -> None:
        self._data = data

    def bind(self, name: str) -> npt.NDArray[np.float64]:
        """Return a live view of a field, (1, …)."""
        values: npt.NDArray[np.float64] = getattr(self._data, name)
        return values[None]


class EpisodeRecorder:
    """Sees how the plant really moves while a policy runs, measures it as a simulated episode, and gives commands.

    Args:
        plant: The mechanics of the emulated robot.
        task: Gives performance, metrics, ends and commands.
        streams: One stream, for the commands.
        duration: Of the episode, s.
    """

    def __init__(self, plant: MujocoPlant, task: TaskConfig, streams: RandomStreams, duration: float) -> None:
        needs = Requirements.of(task).needs
        options = ModelOptions(true_feet="feet" in needs, true_tip="tip" in needs)
        robot = build_model(task, options)
        contract, joints = contract_of(task), len(task.robot.joints)
        self._plant, self._task, self._streams = plant, task, streams
        self._model, self._data = robot.model, mujoco.MjData(robot.model)
        self._truth = GroundTruth(_Reading(self._data), robot, task, needs, None)
        self._constants = TaskConstants.of(task)
        self._names = list(task.commands)
        self._command = np.zeros((1, len(self._names)))
        self._commands = make_commands(task, contract.robot, self._command, None)
        self._commands.begin(_ONE, streams)
        self.first_commands = dict(zip(self._names, self._command[0].tolist(), strict=True))
        self._goal = Goal(contract, 1)
        self._signals = Signals.zeros(1, joints, len(task.robot.imus), len(self._names))
        self._state = TaskState(
            position=np.zeros((1, joints)),
            velocity=np.zeros((1, joints)),
            effort=np.zeros((1, joints)),
            action=np.zeros((1, joints), np.float32),
            previous_action=np.zeros((1, joints), np.float32),
            goal_error=np.zeros(1),
            previous_velocity=np.zeros((1, joints)),
            command=np.zeros((1, len(self._names))),
        )
        self._metrics = make_metrics(task, 1, self._constants)
        self._terms = Terms.of(task)
        self._length, self._length_max = 0, round(duration * task.control_rate)
        self._sum = 0.0
        self._terminated = False

    @property
    def whole(self) -> bool:
        """Whether the episode went to its end."""
        # The last tick of a run is decided by deadlines, not by a count.
        return not self._terminated and self._length >= self._length_max - 1

    def watch(self, controller: Controller) -> None:
        """Take in one tick."""
        record, state = controller.record, self._state
        if not record.ran or self._terminated or self._length >= self._length_max:
            return
        self._length += 1
        self._data.qpos[:] = self._plant.data.qpos
        self._data.qvel[:] = self._plant.data.qvel
        mujoco.mj_forward(self._model, self._data)
        state.command[0] = record.operator_command
        self._truth.read(state, np.array([[self._length / self._task.control_rate]]))
        self._measure_goal(controller)
        performance = self._task.performance
        if performance is not None:
            self._sum += float(self._terms.rewards[performance.term](state, self._constants, performance.scale)[0])
        self._terminated = any(
            bool(self._terms.terminations[ending.term](state, self._constants, ending.limit)[0])
            for ending in self._task.terminations
        )
        asked_anew = self._commands.step(self._streams)
        for metric in self._metrics:
            metric.add(state, asked_anew)
        for name, value in zip(self._names, self._command[0].tolist(), strict=True):
            controller.set_operator_command(name, value)

    def _measure_goal(self, controller: Controller) -> None:
        signals = self._signals
        signals.joint_position[:], signals.command[:] = self._state.position, self._state.command
        signals.orientation[:] = controller.signals.orientation
        self._state.goal_error[:] = self._goal.distance(signals)

    def figures(self) -> dict[str, float]:
        """Return performance and metrics of the episode."""
        metrics = {name: float(values[0]) for metric in self._metrics for name, values in metric.finish(_ONE).items()}
        performance = min(max(self._sum / self._length_max, 0.0), 1.0)
        return {"performance": performance} | {f"metric/{name}": value for name, value in metrics.items()}
