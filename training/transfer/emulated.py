"""Episodes on the emulated robot in lockstep, evaluated by the plant's true state as in simulation."""

from collections.abc import Iterator
from typing import Final

import mujoco
import numpy as np

from sim2real.configs.schema.task import TaskConfig
from sim2real.hardware.types import BoolArray, Float64Array
from sim2real.model.addresses import joint_addresses
from sim2real.model.model import ModelOptions, build_model
from sim2real.plant import MujocoPlant
from sim2real.randomization.random_streams import RandomStreams
from sim2real.runtime.contract.spec import contract_of
from sim2real.runtime.controller import Controller
from sim2real.runtime.emulation import lockstep
from sim2real.runtime.policy import Policy
from sim2real.runtime.run_options import RunOptions
from sim2real.runtime.session import run_session
from sim2real.simulation.command_source import make_commands
from sim2real.task.ground_truth import GroundTruth, PhysicsArrays
from sim2real.task.recorder import EpisodeRecorder
from sim2real.task.requirements import Requirements
from sim2real.training.transfer.performance import WorldPerformance

_ONE: Final = np.zeros(1, np.intp)
_START_SPREAD: Final = 0.03  # rad, largest distance of a joint from its default position at the start
_SPARE_TICKS: Final = 5  # the first tick begins the episode; a few may be missed before the run's time is over


def evaluate_emulated(
    policy: Policy, task: TaskConfig, episodes: int, duration: float, *, seed: int
) -> WorldPerformance:
    """Run a policy on the emulated robot several times, each with another start pose and other commands.

    Args:
        policy: The exported policy.
        task: Its task; commands are drawn as in simulation.
        episodes: Number of runs.
        duration: Duration of each run, s, from the policy's first tick.
        seed: Seed of start poses and commands.
    """
    return WorldPerformance.of(list(emulated_episodes(policy, task, episodes, duration, seed=seed)))


def emulated_episodes(
    policy: Policy, task: TaskConfig, episodes: int, duration: float, *, seed: int
) -> Iterator[dict[str, float]]:
    """Yield the figures of each episode on the emulated robot, as they come; arguments as `evaluate_emulated`."""
    for number in range(episodes):
        yield _episode(policy, task, duration, seed + number)


def _episode(policy: Policy, task: TaskConfig, duration: float, seed: int) -> dict[str, float]:
    """Run one episode and return its figures; one that a fault cut short counts as terminated."""
    world = lockstep(task.robot, plant="mujoco")
    streams = RandomStreams(seed, 1)
    plant = world.emulated.plant
    if not isinstance(plant, MujocoPlant):
        raise TypeError(f"the emulated robot has a {type(plant).__name__}, not MuJoCo's mechanics")
    _place(plant, task, streams)
    episode = EmulatedEpisode(plant, task, streams, duration)
    spare = _SPARE_TICKS / task.control_rate
    options = RunOptions(duration=duration + spare, commands=episode.first_commands, on_tick=episode.watch)
    run_session(policy, task.robot, world.hardware, world.clock, options)
    options.stop.raise_if_signalled()
    return episode.recorder.figures()


def _place(plant: MujocoPlant, task: TaskConfig, streams: RandomStreams) -> None:
    """Move the joints of a plant a little away from where it begins."""
    columns, _ = joint_addresses(plant.model, task.robot)
    offset = (2.0 * streams.uniform(_ONE, len(columns))[0] - 1.0) * _START_SPREAD
    plant.data.qpos[columns] += offset
    mujoco.mj_forward(plant.model, plant.data)
    plant.position += offset


class EmulatedEpisode:
    """Records an episode by the plant's true motion while a policy runs, and gives its commands.

    Args:
        plant: The mechanics of the emulated robot.
        task: The task; commands are drawn as in simulation.
        streams: One stream, for the commands.
        duration: Duration of the episode, s.
    """

    def __init__(self, plant: MujocoPlant, task: TaskConfig, streams: RandomStreams, duration: float) -> None:
        contract = contract_of(task)
        self._plant, self._streams = plant, streams
        self._truth = PlantTruth(plant, task)
        self.recorder = EpisodeRecorder(task, contract, self._truth.state, round(duration * task.control_rate))
        """Has the figures."""
        self._names = list(task.commands)
        self._command = np.zeros((1, len(self._names)))
        self._commands = make_commands(task, contract.robot, self._command, None)
        self._commands.begin(_ONE, streams)
        self._command_changed: BoolArray | None = None
        self.first_commands = dict(zip(self._names, self._command[0].tolist(), strict=True))
        """What the run begins with."""

    def watch(self, controller: Controller) -> None:
        """Record one tick; all ticks from the policy's first one count, also while the robot is damped."""
        record, recorder = controller.record, self.recorder
        if recorder.ended or not (recorder.began or record.ran):
            return
        self._truth.read(recorder.clock, first=not recorder.began)
        recorder.tick(controller.last_action, record.target, record.operator_command, self._command_changed)
        self._command_changed = self._commands.step(self._streams)
        for name, value in zip(self._names, self._command[0].tolist(), strict=True):
            controller.set_operator_command(name, value)


class PlantTruth:
    """Ground truth of a plant: its state, copied into the task's model, which has the sensors for it.

    Args:
        plant: The mechanics of the emulated robot.
        task: Source of what is read.
    """

    def __init__(self, plant: MujocoPlant, task: TaskConfig) -> None:
        seen = task.model_copy(update={"privileged": ()})  # there is no critic
        needs = Requirements.of(seen).needs
        feet, tip, contact = (need in needs for need in ("feet", "tip", "contact"))
        robot = build_model(task, ModelOptions(true_feet=feet, true_tip=tip, true_contact=contact))
        # Contacts answer to all that acts on the plant; its motors' efforts are applied forces there.
        robot.model.opt.disableflags |= int(mujoco.mjtDisableBit.mjDSBL_ACTUATION)
        self._model, self._data, self._plant = robot.model, mujoco.MjData(robot.model), plant
        self._dof = joint_addresses(plant.model, task.robot)[1]
        self._actuator, self._force = robot.actuator, np.zeros((1, robot.model.nu))
        data = self._data
        arrays = PhysicsArrays(data.qpos[None], data.qvel[None], data.sensordata[None], self._force)
        self._truth = GroundTruth(arrays, robot, task, needs)
        self.state = self._truth.state
        """Of one row."""

    def read(self, clock: Float64Array, *, first: bool) -> None:
        """Update the state at a time since the episode began, (1, 1), s; the first tick begins it."""
        mine, theirs = self._data, self._plant.data
        mine.qpos[:], mine.qvel[:] = theirs.qpos, theirs.qvel
        mine.qfrc_applied[:], mine.xfrc_applied[:] = theirs.qfrc_applied, theirs.xfrc_applied
        mujoco.mj_forward(self._model, self._data)
        self._force[0, self._actuator] = self._plant.data.qfrc_applied[self._dof]
        if first:
            self._truth.begin(_ONE)
        else:
            self._truth.read(clock)
