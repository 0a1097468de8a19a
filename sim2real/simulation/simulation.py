"""n randomised robots stepped together: the core of the vector and the single environment."""

from itertools import pairwise
from typing import Any, Final

import numpy as np
from mujoco.batch import SimulationError

from sim2real.configs.schema.curriculum import CurriculumConfig, FixedCurriculumConfig
from sim2real.configs.schema.randomization import RandomizationConfig
from sim2real.configs.schema.task import TaskConfig
from sim2real.curriculum.interface import NO_TAG
from sim2real.hardware.types import BoolArray
from sim2real.model.addresses import Indices
from sim2real.model.model import RobotModel
from sim2real.randomization.parameters import EpisodeParameters
from sim2real.randomization.random_streams import RandomStreams
from sim2real.runtime.contract.observation import Float32Array
from sim2real.simulation.divergence import Divergence
from sim2real.simulation.episode_record import EpisodeRecord
from sim2real.simulation.mirror import TaskMirror
from sim2real.simulation.parts import SimulationParts
from sim2real.task.state import TaskState
from sim2real.task.transition import Transition

WHOLE_RANGE: Final = FixedCurriculumConfig(strategy="fixed")
"""Draw every episode from the whole range of the randomisation."""

_AGES: Final = 32


class Simulation:
    """n simulations of one task on MuJoCo's batch, with the robot's contract for observations and actions.

    Every simulation has its own random stream: its episodes depend on the seed and its index, not on n. (A moving
    curriculum also depends on the episodes of the other simulations.)

    Latency is a whole number of physics steps in an episode, and exact in the mean over episodes. The latency of an
    observation is the age of the reading when observed, at least one physics step: `Batch.step` leaves the sensors as
    of the start of the last substep.

    Args:
        task: The task.
        randomization: Distribution of the episodes' parameters.
        n: Number of simulations.
        seed: Seed of all random numbers.
        threads: Threads that step the simulations; 0 uses every core. Results do not depend on it.
        curriculum: Which part of the randomisation episodes draw from.
        first: Number of the first simulation, where others run in other processes.

    Raises:
        ConfigError: Task, randomization and robot do not fit together.
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
        first: int = 0,
    ) -> None:
        self.task, self.randomization, self.n = task, randomization, n
        self._streams = RandomStreams(seed, n, first)
        self._parts = parts = SimulationParts.build(task, randomization, n, threads, curriculum)
        self.contract, self.batch = parts.contract, parts.batch
        self.observation_pipeline, self.signals = parts.observations, parts.sensing.signals
        self.episodes, self.length_max = parts.evaluator.episodes, parts.evaluator.length_max
        widths = np.cumsum([0, parts.actuation.width, *parts.sensing.widths])
        self._white = np.zeros((n, int(widths[-1])), np.float32)
        self._white_parts = [self._white[:, start:stop] for start, stop in pairwise(widths)]
        self._records, self._period = np.zeros(n, np.uint64), 1.0 / self.contract.control_rate
        observations, privileged = self.contract.observation_size, parts.critic.size
        self.transition = Transition(
            observation=parts.observations.observation,
            final_observation=np.zeros((n, observations), np.float32),
            privileged=np.zeros((n, privileged), np.float32),
            final_privileged=np.zeros((n, privileged), np.float32),
            reward=parts.evaluator.reward,
            terminated=parts.evaluator.terminated,
            truncated=parts.evaluator.truncated,
        )

    @property
    def divergence(self) -> Divergence:
        """Detects and saves diverged simulations."""
        return self._parts.divergence

    @property
    def parameters(self) -> EpisodeParameters:
        """Randomised parameters of the running episodes."""
        return self._parts.parameters

    @property
    def privileged_scaled(self) -> BoolArray:
        """Which privileged values come scaled to about ±1, (P,)."""
        return self._parts.critic.scaled

    @property
    def costs(self) -> Float32Array:
        """Costs of the last step, (n, C), in the task's order."""
        return self._parts.evaluator.costs

    def mirror(self) -> TaskMirror:
        """Return the mirror of the task. Raises ConfigError as `TaskMirror.of`."""
        return TaskMirror.of(self.task, self.randomization, self.contract, self.robot)

    @property
    def robot(self) -> RobotModel:
        """The robot's model with its addresses."""
        return self._parts.robot

    @property
    def state(self) -> TaskState:
        """The true state: after the last step, or at the start of an episode that has just begun."""
        return self._parts.truth.state

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
        return EpisodeRecord(key, int(self._records[index]), self.parameters.record(index))

    def replay(self, index: int, record: EpisodeRecord) -> None:
        """Start a recorded episode in one simulation; the same actions then give the same bits.

        Raises:
            ValueError: The record has other parameters than this randomisation.
        """
        if list(record.parameters) != list(self.parameters.names):
            raise ValueError(f"the record has the parameters {', '.join(record.parameters) or 'none'}")
        values = np.concatenate([np.zeros(0), *record.parameters.values()])[None, :]
        self._streams.set_place(index, (record.key, record.counter))
        ids = np.array([index])
        self.parameters.put(ids, values, np.full(1, NO_TAG))
        self._begin(ids)
        self.episodes.begin(ids)
        self.episodes.whole[ids] = False  # a replayed episode does not count for the curriculum

    def begin(self, ids: Indices) -> None:
        """Start new episodes; their rows of `transition` hold the first observation."""
        with self._streams.ahead(ids):
            self.parameters.draw(ids, self._streams)
            self._begin(ids)

    def _begin(self, ids: Indices) -> None:
        """Start episodes whose parameters are set."""
        parts, streams = self._parts, self._streams
        self._records[ids] = streams.taken(ids)
        parts.timing.begin(ids, streams)
        parts.slope.begin(ids, streams)
        parts.commands.begin(ids, streams)
        position, velocity = parts.reset.draw(ids, streams)
        parts.actuation.begin(ids, streams)
        parts.reset.fill_controls(ids, parts.actuation.reset_controls(ids, position))
        parts.pushes.begin(ids)
        if parts.friction is not None:
            parts.friction.begin(ids)
        first = parts.sensing.first_readings(ids, position, velocity, streams)
        parts.timing.draw_poll_phase(ids, streams)
        first.command[:], first.joint_target[:] = self.signals.command[ids], self.signals.joint_target[ids]
        self.state.begin(ids, first.command)
        parts.truth.begin(ids)
        parts.evaluator.begin(ids)
        none = np.zeros((len(ids), self.contract.action_size), np.float32)
        parts.observations.restart(ids, first, none)
        parts.critic.begin(ids, self.transition.privileged)

    def step(self, action: Float32Array) -> Indices:
        """Advance every simulation by one control step and fill `transition`; does not start new episodes.

        Args:
            action: (n, A).

        Returns:
            Indices of the simulations whose episode ended.

        Raises:
            UserError: A term of the task failed, or pays a reward that is not finite.
        """
        parts, out, state, streams = self._parts, self.transition, self.state, self._streams
        last_action = parts.actuation.pipeline.last_action
        np.copyto(state.previous_action, last_action)
        if self._white.shape[1]:
            streams.noise(self._white)
        parts.actuation.command(action, out.observation, self._white_parts[0], state.effort, streams)
        np.copyto(state.action, last_action)
        parts.pushes.apply(streams)
        parts.wrenches.apply(streams)
        parts.jitter.stretch(streams)
        parts.divergence.snapshot()
        broken = parts.divergence.find(self._advance())
        parts.actuation.update_supply()
        if len(broken):
            self._reset_diverged(broken)
        parts.sensing.sense(self._white_parts[1:], streams)
        np.multiply(self.episodes.length[:, None] + 1, self._period, out=self.signals.clock)
        np.copyto(state.command, self.signals.command)
        parts.truth.read(self.signals.clock)
        if len(broken):
            parts.sensing.clear(broken)
            state.clear(broken)
        parts.evaluator.step(broken, command_changed=parts.commands.step(streams))
        parts.evaluator.require_finite()
        parts.truth.update_command(self.signals.command)
        parts.observations.observe(self.signals, last_action)
        np.copyto(out.final_observation, out.observation)
        parts.critic.write(out.privileged)
        np.copyto(out.final_privileged, out.privileged)
        return np.flatnonzero(out.terminated | out.truncated)

    def finish(self, ids: Indices) -> None:
        """Record ended episodes; the curriculum learns of those that were seen from their start."""
        whole = self.episodes.whole[ids]
        performance = self._parts.evaluator.finish(ids)
        self.parameters.report(ids[whole], performance[whole])

    def _advance(self) -> Indices | None:
        """Step the physics; return the simulations that MuJoCo refused to step."""
        friction = self._parts.friction
        if friction is None:
            return self._stepped(self.task.decimation)
        failed = []
        for _ in range(self.task.decimation):
            failed.append(self._stepped(1))
            friction.update()
        found = [ids for ids in failed if ids is not None]
        return np.unique(np.concatenate(found)) if found else None

    def _stepped(self, steps: int) -> Indices | None:
        try:
            self.batch.step(nstep=steps)
        except SimulationError as error:
            return np.asarray(error.ids, np.intp)
        return None

    def _reset_diverged(self, broken: Indices) -> None:
        """Save diverged simulations, and set them to the initial state."""
        for index in broken:
            record = self.record(int(index)).document() | {"step": int(self.episodes.length[index])}
            self.divergence.save(int(index), record)
        self._parts.reset.restore_initial(broken)

    def state_dict(self) -> dict[str, Any]:
        """Return the state needed to resume bit for bit: arrays and plain data."""
        return self._parts.state_dict() | {
            "streams": self._streams.state_dict(),
            "records": self._records.view(np.int64).copy(),
            "privileged": self.transition.privileged.copy(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what `state_dict` returned; task and n must be the same."""
        self._streams.load_state_dict(state["streams"])
        self._records[...] = np.asarray(state["records"]).view(np.uint64)
        self.transition.privileged[...] = state["privileged"]
        self._parts.load_state_dict(state)
