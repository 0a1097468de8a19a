"""Vector environment of Gymnasium's MuJoCo tasks: Gymnasium's numbers at the speed of MuJoCo's batch."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import mujoco
import numpy as np
from gymnasium.spaces import Box
from mujoco.batch import SimulationError

from sim2real.configs.schema.gymnasium import InfoCostConfig
from sim2real.envs.requests import refuse_other_process
from sim2real.envs.vector_env import SameStepVectorEnv
from sim2real.hardware.types import BoolArray, Float64Array
from sim2real.model.addresses import Indices
from sim2real.model.threaded_batch import threaded_batch
from sim2real.reference.gymnasium_models import load_model
from sim2real.reference.info_costs import InfoCosts
from sim2real.reference.tasks import task_named
from sim2real.runtime.contract.observation import Float32Array
from sim2real.task.episodes import EpisodeStatistics
from sim2real.task.transition import Transition

EPISODE_STEPS = 1000
"""Gymnasium's time limit of all these tasks."""

_ALL = slice(None)


@dataclass(slots=True)
class ExactStep:
    """Result of a step in double precision, as in Gymnasium."""

    observation: Float64Array
    final_observation: Float64Array
    """Valid where an episode ended."""
    reward: Float64Array
    terminated: BoolArray
    truncated: BoolArray


class ReferenceEnv(SameStepVectorEnv):
    """n environments of one of Gymnasium's MuJoCo tasks.

    `step` behaves like Gymnasium's environment: unclipped actions in the action space, observations in double
    precision. `step_arrays` is for our learners: actions are clipped to ±1, which maps to the bounds of the action
    space; observations are in single precision. An episode is a success if it reaches the time limit.

    Args:
        task: Gymnasium's name of the task, such as `Ant-v5`.
        num_envs: Number of environments.
        seed: Seed until the next `reset(seed=…)`.
        threads: Threads that step the simulations; 0 uses every core. Results do not depend on it.
        max_episode_steps: Time limit.
        costs: Costs with budgets, by one of the task's `measured`.
    """

    def __init__(
        self,
        task: str,
        num_envs: int,
        *,
        seed: int = 0,
        threads: int = 0,
        max_episode_steps: int = EPISODE_STEPS,
        costs: Mapping[str, InfoCostConfig] | None = None,
    ) -> None:
        kind = task_named(task)
        model = load_model(kind.file)
        self.batch = threaded_batch(model, num_envs, threads)
        self.task = kind(self.batch)
        self._control = self.batch.bind("ctrl")
        self._template = self.batch.state[0].copy()
        low, high = model.actuator_ctrlrange.astype(np.float32).T
        self._middle, self._half_range = (high + low) / 2, (high - low) / 2
        size = sum(part.shape[1] for part in self.task.observe(_ALL))
        super().__init__(
            num_envs, Box(-np.inf, np.inf, (size,), np.float64), Box(low, high, dtype=np.float32), 1.0 / self.task.dt
        )
        self.length_max = max_episode_steps
        self._costs = InfoCosts(costs or {}, num_envs)
        self.episodes = EpisodeStatistics(num_envs, self.task.terms, costs=tuple(self._costs.budgets))
        self._rng = np.random.default_rng(seed)
        self._all, self._process = np.arange(num_envs), os.getpid()
        self._make_buffers()

    def _make_buffers(self) -> None:
        n, size = self.num_envs, self.observation_size
        # MuJoCo resets simulations with a bad state and counts them here.
        first, last = mujoco.mjtWarning.mjWARN_BADQPOS, mujoco.mjtWarning.mjWARN_BADQACC
        self._bad_states = self.batch.warning[:, int(first) : int(last) + 1, 1]
        self._rewards = np.zeros((len(self.task.terms), n))
        self._diverged = np.zeros(n, np.bool_)
        self.privileged = np.zeros((n, 0), np.float32)
        self.transition = Transition(
            observation=np.zeros((n, size), np.float32),
            final_observation=np.zeros((n, size), np.float32),
            privileged=self.privileged,
            final_privileged=self.privileged,
            reward=np.zeros(n, np.float32),
            terminated=np.zeros(n, np.bool_),
            truncated=np.zeros(n, np.bool_),
        )
        self._exact = ExactStep(
            observation=np.zeros((n, size)),
            final_observation=np.zeros((n, size)),
            reward=np.zeros(n),
            terminated=self.transition.terminated,
            truncated=self.transition.truncated,
        )

    @property
    def cost_budgets(self) -> dict[str, float]:
        """Highest mean of every cost over control steps, by name."""
        return self._costs.budgets

    @property
    def costs(self) -> Float32Array:
        """Costs of the last step, (n, C), in the order of `cost_budgets`; zero for simulations that diverged."""
        return self._costs.values

    @property
    def privileged_size(self) -> int:
        """0: these tasks have no privileged values."""
        return 0

    def curriculum_figures(self) -> dict[str, float]:
        """Return an empty dict: these tasks have no curriculum."""
        return {}

    def reset_arrays(self, seed: int | None = None) -> Float32Array:
        """Start new episodes in all environments; return the observations, (n, O), the environment's own buffer."""
        if seed is not None:
            self._rng = np.random.default_rng(seed)
        self._restart(self._all)
        return self.transition.observation

    def _restart(self, ids: Indices) -> None:
        refuse_other_process(self._process)
        self.episodes.begin(ids)
        self._begin(ids)

    def stagger(self) -> None:
        """Give every running episode a random age, so that they do not all time out in the same step."""
        self.episodes.length[:] = self._rng.integers(0, self.length_max, self.num_envs)
        self.episodes.whole[:] = False

    def step_arrays(self, actions: Float32Array) -> Transition:
        """Advance one control step; return the environment's own buffers, overwritten by the next step.

        Args:
            actions: (n, A); clipped to ±1, the bounds of the action space.
        """
        self._step_and_restart(np.clip(actions, -1.0, 1.0) * self._half_range + self._middle)
        return self.transition

    def set_state(self, position: Float64Array, velocity: Float64Array) -> None:
        """Start new episodes in all simulations from given states, (n, nq) and (n, nv)."""
        self.episodes.begin(self._all)
        self._begin_from(self._all, position, velocity)

    def _begin(self, rows: Indices) -> None:
        self._begin_from(rows, *self.task.draw(len(rows), self._rng))

    def _begin_from(self, rows: Indices, position: Float64Array, velocity: Float64Array) -> None:
        """Start episodes from given states and write their first observations."""
        self.batch.state[rows] = self._template
        self.task.position[rows], self.task.velocity[rows] = position, velocity
        if self.task.first_observation_needs_forward:
            self.batch.forward(rows)
        self.task.begin(rows)
        observation = np.concatenate(self.task.observe(rows), axis=1)
        self._exact.observation[rows] = observation
        self.transition.observation[rows] = observation

    def _step_and_restart(self, actions: Float32Array) -> Indices:
        refuse_other_process(self._process)
        exact, out = self._exact, self.transition
        np.copyto(self._control, actions)
        failed = self._advance()
        self.task.evaluate(actions, self._rewards, exact.terminated)
        np.concatenate(self.task.observe(_ALL), axis=1, out=exact.observation)
        self._end_diverged(failed)
        np.sum(self._rewards, axis=0, out=exact.reward)
        self._count_costs()
        self.episodes.add(exact.reward, self._rewards, ~exact.terminated)
        np.greater_equal(self.episodes.length, self.length_max, out=exact.truncated)
        np.greater(exact.truncated, exact.terminated, out=exact.truncated)
        np.copyto(out.reward, exact.reward, casting="same_kind")
        np.copyto(out.final_observation, exact.observation, casting="same_kind")
        np.copyto(out.observation, out.final_observation)
        ended = np.flatnonzero(exact.terminated | exact.truncated)
        if len(ended):
            exact.final_observation[ended] = exact.observation[ended]
            self._finish(ended)
            self._begin(ended)
        return ended

    def _count_costs(self) -> None:
        if not self._costs.budgets:
            return
        self._costs.measure(self.task.measure)
        self._costs.values[self._diverged] = 0.0
        for sums, values in zip(self.episodes.costs.values(), self._costs.values.T, strict=True):
            np.add(sums, values, out=sums)

    def _finish(self, ended: Indices) -> None:
        """Record ended episodes; success is reaching the time limit, performance the share of it that was reached."""
        self.episodes.finish(
            ended,
            success=self._exact.truncated[ended],
            terminated=self._exact.terminated[ended],
            diverged=self._diverged[ended],
            performance=self.episodes.length[ended] / self.length_max,
            metrics={},
        )

    def _measured(self) -> dict[str, Float64Array]:
        return {name: self.task.measure(name).copy() for name in self.task.measured}

    def _result(self) -> ExactStep:
        return self._exact

    def _advance(self) -> Indices | None:
        """Step the physics; return the simulations that MuJoCo refused to step."""
        try:
            if self.task.separate_last_physics_step:
                self.batch.step(nstep=self.task.frame_skip - 1)
                self.task.before_last_physics_step()
                self.batch.step()
            else:
                self.batch.step(nstep=self.task.frame_skip)
        except SimulationError as error:
            return np.asarray(error.ids, np.intp)
        return None

    def _end_diverged(self, failed: Indices | None) -> None:
        """Terminate the episodes of diverged simulations; set their observations and rewards to zero."""
        finite = np.isfinite(self._exact.observation.sum(axis=1)) & ~self._bad_states.any(axis=1)
        if failed is not None:
            finite[failed] = False
        np.logical_not(finite, out=self._diverged)
        broken = np.flatnonzero(self._diverged)
        if len(broken):
            self._bad_states[broken] = 0
            self._exact.observation[broken] = 0.0
            self._exact.terminated[broken] = True
            self._rewards[:, broken] = 0.0

    def state_dict(self) -> dict[str, Any]:
        """Return the state needed to resume bit for bit: arrays and plain data."""
        return {
            "rng": self._rng.bit_generator.state,
            "state": self.batch.state.copy(),
            "observation": self._exact.observation.copy(),
            "task": self.task.state_dict(),
            "episodes": self.episodes.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what `state_dict` returned; task and n must be the same."""
        self._rng.bit_generator.state = state["rng"]
        self.batch.state[...] = state["state"]
        self._exact.observation[:] = state["observation"]
        self.transition.observation[:] = state["observation"]
        self.task.load_state_dict(state["task"])
        self.episodes.load_state_dict(state["episodes"])
