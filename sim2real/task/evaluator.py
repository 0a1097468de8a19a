"""Evaluates episodes: reward of each step, terminations, success, performance and metrics."""

import math
from dataclasses import replace
from typing import Any, Final

import numpy as np

from sim2real.configs.errors import NonFiniteError
from sim2real.configs.schema.task import TaskConfig
from sim2real.hardware.types import BoolArray, Float64Array
from sim2real.model.addresses import Indices
from sim2real.runtime.contract.goal import Goal
from sim2real.runtime.contract.signals import Signals
from sim2real.runtime.contract.spec import Contract
from sim2real.task.episodes import EpisodeStatistics
from sim2real.task.paid_reward import PaidReward, distinct
from sim2real.task.state import Float32Array, TaskConstants, TaskState
from sim2real.task.step_costs import StepCosts
from sim2real.task.task_metrics import TaskMetrics
from sim2real.task.terms import Terms

_NO_ROWS: Final[Indices] = np.zeros(0, np.intp)


class EpisodeEvaluator:
    """Evaluates the running episodes of n robots, one control step at a time.

    Simulated robots, the emulated robot and logged runs share it; they differ only in the source of the state. The
    return of an episode is the sum of its rewards, floor and penalty included; its `reward/NAME` rows add up to it.

    Args:
        task: The task.
        contract: Its contract.
        state: State of the robots; updated before each step.
        length_max: Control steps of an episode, at most; the task's by default.
    """

    def __init__(
        self, task: TaskConfig, contract: Contract, state: TaskState, *, length_max: int | None = None
    ) -> None:
        n = len(state.position)
        self._task, self._state = task, state
        self.constants = TaskConstants.of(task)
        self.length_max = round(task.episode_duration * task.control_rate) if length_max is None else length_max
        """Control steps of an episode, at most."""
        self.reward: Float32Array = np.zeros(n, np.float32)
        """Reward of the last step, (n,)."""
        self.terminated: BoolArray = np.zeros(n, np.bool_)
        """Whether the episode ended in the last step in a state without successor, (n,)."""
        self.truncated: BoolArray = np.zeros(n, np.bool_)
        """Whether the episode ended in the last step by its time limit alone, (n,)."""
        self._diverged: BoolArray = np.zeros(n, np.bool_)
        self._seen = state.read_only()
        self._reward = PaidReward(task, self.constants, self._seen)
        self._costs = StepCosts(task, self.constants, self._seen)
        self.costs: Float32Array = self._costs.values
        """Costs of the last step, (n, C), in the task's order."""
        self._metrics = TaskMetrics(task, n, self.constants)
        self._end_names = distinct([ending.term for ending in task.terminations])
        self._ended: BoolArray = np.zeros((len(self._end_names), n), np.bool_)
        terminations = Terms.of(task).terminations
        self._endings = [
            (terminations[ending.term], ending.limit, row)
            for ending, row in zip(task.terminations, self._ended, strict=True)
        ]
        self.episodes = EpisodeStatistics(
            n, self._reward.names, self._metrics.names, self._end_names, tuple(task.costs)
        )
        self._goal = Goal(contract, n)
        self._hold = min(round(self._goal.hold * task.control_rate), self.length_max)
        self._tip_known = task.goal.kind == "tip" and len(state.tip_offset) > 0
        self._signals = replace(  # views: the state's buffers never move
            Signals.of(contract, n),
            joint_position=state.position,
            joint_velocity=state.velocity,
            joint_effort=state.effort,
            orientation=state.attitude[:, None, :],
            command=state.command,
        )

    def begin(self, ids: Indices) -> None:
        """Start the metrics of new episodes; earlier episodes only count if `finish` was called."""
        self._metrics.begin(ids)

    def step(self, broken: Indices = _NO_ROWS, command_changed: BoolArray | None = None) -> None:
        """Evaluate one step of every robot from its resulting state.

        Args:
            broken: Simulations that diverged in this step: they terminate, and their terms are zero.
            command_changed: Whether the command changes after this step, (n,).
        """
        state, episodes = self._state, self.episodes
        self._measure_goal()
        self._end(broken)
        self._reward.pay(self.reward, self.terminated, broken)
        self._costs.measure(broken, episodes.costs)
        episodes.add(self.reward, self._reward.rows, self._goal.within(state.goal_error))
        if self._task.performance is not None:
            episodes.performance += self._reward.performance(broken)
        np.greater_equal(episodes.length, self.length_max, out=self.truncated)
        np.greater(self.truncated, self.terminated, out=self.truncated)  # one and not the other
        self._metrics.add(self._seen, command_changed)

    def require_finite(self) -> None:
        """Refuse a reward, a cost or a performance that is not finite: whoever is paid it would learn from nothing.

        Raises:
            NonFiniteError: The message names the term, its place and the robot.
        """
        self._reward.require_finite(self.reward)
        self._costs.require_finite()
        wanted = self._task.performance
        if wanted is None or math.isfinite(self.episodes.performance.sum()):
            return
        robot = int(np.flatnonzero(~np.isfinite(self.episodes.performance))[0])
        term = Terms.of(self._task).rewards[wanted.term]
        raise NonFiniteError(str(term.wrong(f"is not finite for robot {robot}, and is the task's performance")))

    def finish(self, ids: Indices) -> Float64Array:
        """Record the ended episodes of k robots; return their performance, (k,), in [0, 1].

        Success is an unbroken hold of the goal at the end of a full episode. It is also the performance if the task
        names none.
        """
        episodes = self.episodes
        success = self.truncated[ids] & (episodes.held[ids] >= self._hold)
        performance = success.astype(np.float64)
        if self._task.performance is not None:
            performance = np.clip(episodes.performance[ids] / self.length_max, 0.0, 1.0)
        episodes.finish(
            ids,
            success=success,
            terminated=self.terminated[ids],
            diverged=self._diverged[ids],
            ends=self._ended[:, ids],
            performance=performance,
            metrics=self._metrics.finish(ids),
        )
        return performance

    def _end(self, broken: Indices) -> None:
        """Find the terminated episodes."""
        self.terminated[:] = False
        for term, limit, row in self._endings:
            np.copyto(row, term(self._seen, self.constants, limit))
            np.logical_or(self.terminated, row, out=self.terminated)
        self._diverged[:] = False
        if len(broken):
            self._ended[:, broken] = False  # what a state that is no more would have ended by says nothing
            self._diverged[broken] = self.terminated[broken] = True

    def _measure_goal(self) -> None:
        """Measure the distance from the goal."""
        error = self._state.goal_error
        if self._tip_known:
            offset = self._state.tip_offset
            np.sqrt(np.einsum("ij,ij->i", offset, offset), out=error)
        else:
            np.copyto(error, self._goal.distance(self._signals))

    def state_dict(self) -> dict[str, Any]:
        """Return the state of the running episodes: arrays and plain data."""
        return {"episodes": self.episodes.state_dict(), "metrics": self._metrics.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what `state_dict` returned."""
        self.episodes.load_state_dict(state["episodes"])
        self._metrics.load_state_dict(state["metrics"])
