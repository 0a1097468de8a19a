"""Evaluates episodes: what each step is paid, which episodes end, and how well they went."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from sim2real.configs.schema.task import TaskConfig
from sim2real.hardware.types import BoolArray, Float64Array
from sim2real.model.addresses import Indices
from sim2real.runtime.contract.goal import Goal
from sim2real.runtime.contract.signals import Signals
from sim2real.runtime.contract.spec import Contract
from sim2real.task.episodes import EpisodeStatistics
from sim2real.task.metrics import make_metric
from sim2real.task.rewards import REWARDS, TERMINATIONS
from sim2real.task.state import Float32Array, TaskConstants, TaskState

FLOOR: Final = "reward_min"
"""Row of the return that has what the task's `reward_min` adds."""
PENALTY: Final = "termination_penalty"
"""Row of the return that has what the task's `termination_penalty` takes away."""

_NOBODY: Final[Indices] = np.zeros(0, np.intp)


class EpisodeEvaluator:
    """Evaluates the running episodes of n robots, one control step at a time.

    It is the same for simulated robots, for the emulated one and for a recorded run: these differ in who fills the
    state. The return of an episode is the sum of the rewards that were paid, floor and penalty included, and its
    `reward/NAME` rows add up to it.

    Args:
        task: The task.
        contract: Its contract.
        state: The state of the robots, which is brought up to date before each step.
        length_max: Control steps of an episode, at most; those of the task when left out.
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
        """What the last step was paid, (n,)."""
        self.terminated: BoolArray = np.zeros(n, np.bool_)
        """Whose episode ended in the last step in a state that has no successor, (n,)."""
        self.truncated: BoolArray = np.zeros(n, np.bool_)
        """Whose episode ended in the last step by its time limit alone, (n,)."""
        self._diverged: BoolArray = np.zeros(n, np.bool_)
        self._reward = _Reward(task, self.constants, state)
        self._metrics = [make_metric(name, n, task, self.constants) for name in task.metrics]
        names = tuple(name for metric in self._metrics for name in metric.names)
        self.episodes = EpisodeStatistics(n, self._reward.names, names)
        self._goal = Goal(contract, n)
        self._hold = min(round(self._goal.hold * task.control_rate), self.length_max)
        self._tip_known = task.goal.kind == "tip" and len(state.tip_offset) > 0
        self._signals = Signals(  # views: the state's buffers stay in their places
            state.position,
            state.velocity,
            state.effort,
            orientation=state.attitude[:, None, :],
            command=state.command,
        )

    def begin(self, ids: Indices) -> None:
        """Begin to measure new episodes; those before are not counted unless `finish` was called."""
        for metric in self._metrics:
            metric.begin(ids)

    def step(self, broken: Indices = _NOBODY, asked_anew: BoolArray | None = None) -> None:
        """Evaluate one step of everybody, from the state that it led to.

        Args:
            broken: Simulations that diverged in this step: they terminate, and their terms are worth nothing.
            asked_anew: Who is given a new command from the next step on, (n,).
        """
        state, episodes = self._state, self.episodes
        self._measure_goal()
        self._end(broken)
        self._reward.pay(self.reward, self.terminated, broken)
        episodes.add(self.reward, self._reward.rows, self._goal.within(state.goal_error))
        if self._task.performance is not None:
            episodes.performance += self._reward.performance(broken)
        np.greater_equal(episodes.length, self.length_max, out=self.truncated)
        np.logical_and(self.truncated, ~self.terminated, out=self.truncated)
        for metric in self._metrics:
            metric.add(state, asked_anew)

    def finish(self, ids: Indices) -> Float64Array:
        """Count the episodes of k robots as ended; return how well they went, (k,), in [0, 1].

        Success is an unbroken hold of the goal at the end of a full episode. It is the performance too where the task
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
            performance=performance,
            metrics={name: values for metric in self._metrics for name, values in metric.finish(ids).items()},
        )
        return performance

    def _end(self, broken: Indices) -> None:
        """Tell whose episode terminates."""
        self.terminated[:] = False
        for ending in self._task.terminations:
            ended = TERMINATIONS[ending.term](self._state, self.constants, ending.limit)
            np.logical_or(self.terminated, ended, out=self.terminated)
        self._diverged[:] = False
        self._diverged[broken] = self.terminated[broken] = True

    def _measure_goal(self) -> None:
        """Measure how far everybody is from the goal."""
        error = self._state.goal_error
        if self._tip_known:
            offset = self._state.tip_offset
            np.sqrt(np.einsum("ij,ij->i", offset, offset), out=error)
        else:
            np.copyto(error, self._goal.distance(self._signals))

    def state_dict(self) -> dict[str, Any]:
        """Return what the running episodes have come to: arrays and plain data."""
        return {"episodes": self.episodes.state_dict(), "metrics": [metric.state_dict() for metric in self._metrics]}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from a state."""
        self.episodes.load_state_dict(state["episodes"])
        for metric, saved in zip(self._metrics, state["metrics"], strict=True):
            metric.load_state_dict(saved)


class _Reward:
    """What a step is paid: the weighted terms together, not less than the floor, less the penalty of an end."""

    def __init__(self, task: TaskConfig, constants: TaskConstants, state: TaskState) -> None:
        n, terms = len(state.position), [entry.term for entry in task.rewards]
        floor, penalty = task.reward_min is not None, task.termination_penalty > 0.0
        self.names = distinct([*terms, *[FLOOR] * floor, *[PENALTY] * penalty])
        """Of the rows, each once."""
        self.rows = np.zeros((len(self.names), n))
        """What the reward of the last step is made of, (rows, n): the terms, then floor and penalty, if any."""
        self._task, self._constants, self._state = task, constants, state
        self._terms = self.rows[: len(terms)]
        self._floor = self.rows[len(terms)] if floor else None
        self._penalty = self.rows[-1] if penalty else None
        self._weights = np.array([entry.weight / task.control_rate for entry in task.rewards])
        self._floor_value = (task.reward_min or 0.0) / task.control_rate
        self._total = np.zeros(n)
        self._performance_row = _row_of(task)

    def pay(self, out: Float32Array, terminated: BoolArray, broken: Indices) -> None:
        """Compute the reward of everybody into `out`, (n,)."""
        for row, entry in enumerate(self._task.rewards):
            term = REWARDS[entry.term](self._state, self._constants, entry.scale)
            np.multiply(term, self._weights[row], out=self._terms[row])
        self._terms[:, broken] = 0.0
        total = self._total
        total.fill(0.0)
        for weighted in self._terms:  # term by term: how NumPy adds a column up depends on how many columns there are
            total += weighted
        if self._floor is not None:
            np.negative(total, out=self._floor)
            np.maximum(total, self._floor_value, out=total)
            self._floor += total
        np.copyto(out, total, casting="same_kind")
        if self._penalty is not None:
            np.subtract(out, self._task.termination_penalty, out=out, where=terminated)
            np.multiply(terminated, -self._task.termination_penalty, out=self._penalty)

    def performance(self, broken: Indices) -> Float64Array:
        """Return the task's performance in the step that was paid last, (n,)."""
        wanted, row = self._task.performance, self._performance_row
        if wanted is None:
            raise ValueError(f"task {self._task.name!r} names no performance")
        if row is not None:
            performance: Float64Array = self._terms[row] / self._weights[row]
            return performance
        performance = REWARDS[wanted.term](self._state, self._constants, wanted.scale)
        performance[broken] = 0.0
        return performance


def distinct(names: Sequence[str]) -> tuple[str, ...]:
    """Number the names that come again: `tip_near`, `tip_near_2`."""
    counts = [names[: index + 1].count(name) for index, name in enumerate(names)]
    return tuple(name if count == 1 else f"{name}_{count}" for name, count in zip(names, counts, strict=True))


def _row_of(task: TaskConfig) -> int | None:
    """Return which reward is the task's performance too, if one is."""
    wanted = task.performance
    for row, entry in enumerate(task.rewards):
        if wanted is not None and (entry.term, entry.scale) == (wanted.term, wanted.scale) and entry.weight != 0.0:
            return row
    return None
