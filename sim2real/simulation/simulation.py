"""n randomised robots stepped together: the core of the vector and the single environment."""

from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np
from mujoco.batch import Batch, SimulationError

from sim2real.configs.errors import ConfigError
from sim2real.configs.schema.curriculum import CurriculumConfig, FixedCurriculumConfig
from sim2real.configs.schema.randomization import RandomizationConfig
from sim2real.configs.schema.task import TaskConfig
from sim2real.curriculum.interface import NO_TAG
from sim2real.hardware.types import read_only
from sim2real.model.addresses import Indices
from sim2real.model.model import RobotModel, build_model
from sim2real.randomization.parameters import EpisodeParameters
from sim2real.randomization.random_streams import RandomStreams
from sim2real.runtime.contract.observation import Float32Array, ObservationPipeline
from sim2real.runtime.contract.spec import contract_of
from sim2real.simulation.actuation import Actuation
from sim2real.simulation.command_source import make_commands
from sim2real.simulation.disturbance import Pushes, Wrenches
from sim2real.simulation.divergence import Divergence
from sim2real.simulation.model_options import model_options, observed_groups, terrain_of
from sim2real.simulation.reset import Reset
from sim2real.simulation.sensing import Sensing
from sim2real.simulation.slope import GroundSlope
from sim2real.simulation.timing import EpisodeTiming, PeriodJitter
from sim2real.task.critic_view import CriticView
from sim2real.task.evaluator import EpisodeEvaluator
from sim2real.task.ground_truth import GroundTruth, PhysicsArrays
from sim2real.task.requirements import Requirements
from sim2real.task.seen import Seen
from sim2real.task.state import TaskState
from sim2real.task.transition import Transition

WHOLE_RANGE: Final = FixedCurriculumConfig(strategy="fixed")
"""Draw every episode from the whole range of the randomisation."""

_AGES: Final = 32


@dataclass(frozen=True)
class EpisodeRecord:
    """Seed and parameters needed to replay an episode with `Simulation.replay`."""

    key: int
    """Key of the simulation's random stream."""
    counter: int
    """Numbers drawn from the stream before the episode, its parameters included."""
    parameters: dict[str, list[float]]
    """Drawn values by name, SI."""

    def document(self) -> dict[str, Any]:
        """Return plain data."""
        return asdict(self)


class Simulation:
    """n simulations of one task on MuJoCo's batch, with the robot's contract for observations and actions.

    Every simulation has its own random stream: its episodes depend on the seed and its index, not on n. (A moving
    curriculum also depends on the episodes of the other simulations.)

    Latency is exact to the physics step. The latency of an observation is the age of the reading when observed, at
    least one physics step: `Batch.step` leaves the sensors as of the start of the last substep.

    Args:
        task: The task.
        randomization: Distribution of the episodes' parameters.
        n: Number of simulations.
        seed: Seed of all random numbers.
        threads: Threads that step the simulations; 0 uses every core. Results do not depend on it.
        curriculum: Which part of the randomisation episodes draw from.
    """

    def __init__(
        self,
        task: TaskConfig,
        randomization: RandomizationConfig,
        n: int,
        *,
        seed: int = 0,
        threads: int = 0,
        curriculum: CurriculumConfig = WHOLE_RANGE,
    ) -> None:
        self.task, self.randomization, self.n = task, randomization, n
        self.contract = contract_of(task)
        self._needs = Requirements.of(task)
        groups = observed_groups(task)
        self._terrain = terrain_of(randomization)
        self._needs.check(task, dict.fromkeys(("base", "rail", "travel"), True))  # only the compiled model knows these
        self._robot = build_model(task, model_options(randomization, groups, self._needs, self._terrain))
        robot = self._robot
        found = {"base": robot.base is not None, "rail": robot.rail is not None, "travel": robot.travel is not None}
        self._needs.check(task, found)
        if self._terrain is not None and self._robot.base is None:
            raise ConfigError(f"task {task.name!r}: terrain_roughness needs a robot with a free base")
        if task.physics.friction == "lugre" and randomization.entry("joint_friction") is not None:
            raise ConfigError(
                f"task {task.name!r}: joint_friction applies to dry friction only; valid: physics.friction coulomb"
            )
        self.batch = Batch(self._robot.model, nsim=n, nthread=threads)
        self._streams = RandomStreams(seed, n)
        self._parameters = EpisodeParameters(self.batch, self._robot, randomization, curriculum)
        self._build(groups)
        self.length_max = self._evaluator.length_max

    def _build(self, groups: tuple[str, ...]) -> None:
        """Create the parts and their buffers."""
        n, batch, robot, task, parameters = self.n, self.batch, self._robot, self.task, self._parameters
        quantize, period = self.randomization.quantize, 1.0 / task.control_rate
        self._timing = EpisodeTiming(batch, robot, groups, parameters, task.physics.timestep)
        self._jitter = PeriodJitter(batch, parameters, task.physics.timestep)
        self._slope = GroundSlope(batch, parameters)
        self._sensing = Sensing(batch, robot, task, groups, parameters, self._timing, self._slope, quantize=quantize)
        self._actuation = Actuation(batch, robot, task, self.contract, parameters, quantize=quantize)
        self._sensing.signals.joint_target = self._actuation.pipeline.target
        self._reset = Reset(batch, robot, task, parameters, self._terrain)
        self._pushes = Pushes(batch, robot, parameters, period)
        self._wrenches = Wrenches(batch, robot, parameters, period)
        self._divergence = Divergence(batch, task.decimation)
        self.observation_pipeline = ObservationPipeline(self.contract, n)
        self.signals = self._sensing.signals
        self._commands = make_commands(
            task, self.contract.robot, self.signals.command, parameters.array("command_scale")
        )
        arrays = PhysicsArrays(*(batch.bind(name) for name in ("qpos", "qvel", "sensordata", "actuator_force")))
        self._truth = GroundTruth(
            arrays, robot, task, self._needs.needs, terrain=self._terrain, vertical=self._slope.vertical
        )
        self._evaluator = EpisodeEvaluator(task, self.contract, self._truth.state)
        self.episodes = self._evaluator.episodes
        self._privileged = CriticView(task, parameters.space)
        self._normalized_parameters = np.zeros_like(parameters.values)
        self._seen = Seen(
            self._truth.state.read_only(),
            self._evaluator.constants,
            read_only(self._normalized_parameters),
            read_only(self._pushes.pending),
        )
        widths = np.cumsum([0, self._actuation.width, *self._sensing.widths])
        self._white = np.zeros((n, int(widths[-1])), np.float32)
        self._white_parts = [self._white[:, start:stop] for start, stop in pairwise(widths)]
        self._records = np.zeros(n, np.uint64)
        observations, extra = self.contract.observation_size, self._privileged.size
        self.transition = Transition(
            observation=self.observation_pipeline.observation,
            final_observation=np.zeros((n, observations), np.float32),
            privileged=np.zeros((n, extra), np.float32),
            final_privileged=np.zeros((n, extra), np.float32),
            reward=self._evaluator.reward,
            terminated=self._evaluator.terminated,
            truncated=self._evaluator.truncated,
        )

    @property
    def divergence(self) -> Divergence:
        """Detects and saves diverged simulations."""
        return self._divergence

    @property
    def parameters(self) -> EpisodeParameters:
        """Randomised parameters of the running episodes."""
        return self._parameters

    @property
    def robot(self) -> RobotModel:
        """The robot's model with its addresses."""
        return self._robot

    @property
    def state(self) -> TaskState:
        """The true state: after the last step, or at the start of an episode that has just begun."""
        return self._truth.state

    def seed(self, seed: int) -> None:
        """Restart all random streams from a seed."""
        self._streams.seed(seed)

    def stagger(self) -> None:
        """Give every running episode a random age.

        Ages lie on a coarse grid, so that several episodes time out in one step: resetting many together costs hardly
        more than resetting one.
        """
        ids = np.arange(self.n)
        grid = max(self.length_max // _AGES, 1)
        ages = (self._streams.uniform(ids, 1)[:, 0] * self.length_max).astype(np.int64)
        self.episodes.length[:] = ages // grid * grid
        self.episodes.whole[:] = False

    def record(self, index: int) -> EpisodeRecord:
        """Return the record of one simulation's running episode."""
        key, _ = self._streams.place(index)
        return EpisodeRecord(key, int(self._records[index]), self._parameters.record(index))

    def replay(self, index: int, record: EpisodeRecord) -> None:
        """Start a recorded episode in one simulation; the same actions then give the same bits.

        Raises:
            ValueError: The record has other parameters than this randomisation.
        """
        if list(record.parameters) != list(self._parameters.space.names):
            raise ValueError(f"the record has the parameters {', '.join(record.parameters) or 'none'}")
        values = np.concatenate([np.zeros(0), *record.parameters.values()])[None, :]
        self._streams.set_place(index, (record.key, record.counter))
        ids = np.array([index])
        self._parameters.put(ids, values, np.full(1, NO_TAG))
        self._begin(ids)
        self.episodes.begin(ids)
        self.episodes.whole[ids] = False  # a replayed episode does not count for the curriculum

    def begin(self, ids: Indices) -> None:
        """Start new episodes; their rows of `transition` hold the first observation."""
        self._parameters.draw(ids, self._streams)
        self._begin(ids)

    def _begin(self, ids: Indices) -> None:
        """Start episodes whose parameters are set."""
        streams = self._streams
        self._records[ids] = streams.counter[ids]
        self._timing.begin(ids)
        self._slope.begin(ids, streams)
        self._commands.begin(ids, streams)
        position, velocity = self._reset.draw(ids, streams)
        self._actuation.begin(ids, streams)
        self._reset.fill_controls(ids, self._actuation.reset_controls(ids, position))
        self._pushes.begin(ids)
        first = self._sensing.first_readings(ids, position, velocity, streams)
        self._timing.draw_poll_phase(ids, streams)
        first.command[:], first.joint_target[:] = self.signals.command[ids], self.signals.joint_target[ids]
        self.state.begin(ids, first.command)
        self._truth.begin(ids)
        self._evaluator.begin(ids)
        none = np.zeros((len(ids), self.contract.action_size), np.float32)
        self.observation_pipeline.restart(ids, first, none)
        self._write_privileged(ids)

    def _write_privileged(self, ids: Indices) -> None:
        """Write the privileged rows of new episodes."""
        if not self._privileged.size:
            return
        self._normalized_parameters[ids] = self._privileged.normalized(self._parameters.values[ids])
        out = np.zeros((len(ids), self._privileged.size), np.float32)
        parameters, pending = self._normalized_parameters[ids], self._pushes.pending[ids]
        seen = Seen(self.state.copy_of(ids), self._evaluator.constants, parameters, pending)
        self._privileged.write(seen, out)
        self.transition.privileged[ids] = out

    def step(self, action: Float32Array) -> Indices:
        """Advance every simulation by one control step and fill `transition`; does not start new episodes.

        Args:
            action: (n, A).

        Returns:
            Indices of the simulations whose episode ended.
        """
        out, state, streams = self.transition, self.state, self._streams
        last_action = self._actuation.pipeline.last_action
        np.copyto(state.previous_action, last_action)
        if self._white.shape[1]:
            streams.noise(self._white)
        self._actuation.command(action, out.observation, self._white_parts[0], state.effort, streams)
        np.copyto(state.action, last_action)
        self._pushes.apply(streams)
        self._wrenches.apply(streams)
        self._jitter.stretch(streams)
        self._divergence.snapshot()
        broken = self._divergence.find(self._advance())
        self._actuation.update_supply()
        if len(broken):
            self._reset_diverged(broken)
        self._sensing.sense(self._white_parts[1:], streams)
        np.multiply(self.episodes.length[:, None] + 1, 1.0 / self.contract.control_rate, out=self.signals.clock)
        np.copyto(state.command, self.signals.command)
        self._truth.read(self.signals.clock)
        if len(broken):
            self._sensing.clear(broken)
            state.clear(broken)
        self._evaluator.step(broken, asked_anew=self._commands.step(streams))
        self._truth.update_command(self.signals.command)
        self.observation_pipeline.observe(self.signals, last_action)
        np.copyto(out.final_observation, out.observation)
        if self._privileged.size:
            self._privileged.write(self._seen, out.privileged)
            np.copyto(out.final_privileged, out.privileged)
        return np.flatnonzero(out.terminated | out.truncated)

    def finish(self, ids: Indices) -> None:
        """Record ended episodes; the curriculum learns of those that were seen from their start."""
        whole = self.episodes.whole[ids]
        performance = self._evaluator.finish(ids)
        self._parameters.report(ids[whole], performance[whole])

    def _advance(self) -> Indices | None:
        """Step the physics; return the simulations that MuJoCo refused to step."""
        try:
            self.batch.step(nstep=self.task.decimation)
        except SimulationError as error:
            return np.asarray(error.ids, np.intp)
        return None

    def _reset_diverged(self, broken: Indices) -> None:
        """Save diverged simulations, and set them to the initial state."""
        for index in broken:
            record = self.record(int(index)).document() | {"step": int(self.episodes.length[index])}
            self._divergence.save(int(index), record)
        self._reset.restore_initial(broken)

    def state_dict(self) -> dict[str, Any]:
        """Return the state needed to resume bit for bit: arrays and plain data."""
        return {
            "streams": self._streams.state_dict(),
            "parameters": self._parameters.state_dict(),
            "fields": {name: self.batch.expand(name).copy() for name in self._expanded()},
            "state": self.batch.state.copy(),
            "records": self._records.view(np.int64).copy(),
            "observation": self.observation_pipeline.state_dict(),
            "privileged": self.transition.privileged.copy(),
            "velocity": self.state.velocity.copy(),
            "pending": self._pushes.pending.copy(),
            **self._evaluator.state_dict(),
            **{name: part.state_dict() for name, part in self._parts().items()},
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what `state_dict` returned; task and n must be the same."""
        self._streams.load_state_dict(state["streams"])
        self._parameters.load_state_dict(state["parameters"])
        for name in self._expanded():
            self.batch.expand(name)[...] = state["fields"][name]
        self.batch.state[...] = state["state"]
        self._records[...] = np.asarray(state["records"]).view(np.uint64)
        self.observation_pipeline.load_state_dict(state["observation"])
        self.transition.privileged[...] = state["privileged"]
        self._normalized_parameters[...] = self._privileged.normalized(self._parameters.values)
        self.state.velocity[...] = state["velocity"]
        self._pushes.pending[...] = state["pending"]
        self._evaluator.load_state_dict(state)
        for name, part in self._parts().items():
            part.load_state_dict(state[name])

    def _parts(self) -> dict[str, Any]:
        return {
            "actuation": self._actuation,
            "sensing": self._sensing,
            "slope": self._slope,
            "commands": self._commands,
            "truth": self._truth,
        }

    def _expanded(self) -> list[str]:
        parts = (self._parameters, self._timing, self._slope, self._jitter, self._actuation)
        return sorted({name for part in parts for name in part.field_names})
