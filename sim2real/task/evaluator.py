"""What a control step was worth, and whose episode it ended."""

from collections.abc import Callable, Sequence

import numpy as np

from sim2real.configs.schema.task import TaskConfig
from sim2real.hardware.types import Float64Array
from sim2real.model.addresses import Indices
from sim2real.runtime.contract.goal import Goal
from sim2real.runtime.contract.signals import Signals
from sim2real.runtime.contract.spec import Contract
from sim2real.task.episodes import EpisodeStatistics
from sim2real.task.state import TaskConstants, TaskState
from sim2real.task.terms import Terms
from sim2real.task.transition import Transition


class EpisodeEvaluator:
    """Rewards, ends of episodes and distance from the goal of n simulations, by the truth.

    Args:
        task: The task.
        contract: Its contract.
        state: The true state of the simulations, which is brought up to date before each judgement.
        attitude: Returns the quaternions that ideal IMUs would read, (n, 4K).
        knows_tip: Whether the state knows where the tip is.
    """

    def __init__(
        self,
        task: TaskConfig,
        contract: Contract,
        state: TaskState,
        attitude: Callable[[], Float64Array],
        *,
        knows_tip: bool,
    ) -> None:
        n, joints = state.position.shape
        self._task, self._state, self._attitude = task, state, attitude
        self._terms = Terms.of(task)
        self.constants = TaskConstants.of(task)
        self.goal = Goal(contract, n)
        self._by_tip = task.goal.kind == "tip" and knows_tip
        self._signals = Signals.zeros(n, joints, len(task.robot.imus), len(task.commands))
        self._signals.joint_position, self._signals.command = state.position, state.command
        self.names = distinct([entry.term for entry in task.rewards])
        """Of the rewards, each once."""
        self._weights = np.array([entry.weight / task.control_rate for entry in task.rewards])
        self._rewards, self._total = np.zeros((len(task.rewards), n)), np.zeros(n)
        self._performance_row = _row_of(task)
        self.length_max = round(task.episode_duration * task.control_rate)
        """Control steps of an episode, at most."""
        self._hold = min(round(self.goal.hold * task.control_rate), self.length_max)

    def judge(self, out: Transition, episodes: EpisodeStatistics, broken: Indices) -> None:
        """Fill reward and ends of a transition, and count them.

        Args:
            out: Its `reward`, `terminated` and `truncated` are written.
            episodes: The running episodes.
            broken: Simulations that diverged in this step.
        """
        state, task = self._state, self._task
        self._measure_goal()
        for row, entry in enumerate(task.rewards):
            term = self._terms.rewards[entry.term](state, self.constants, entry.scale)
            np.multiply(term, self._weights[row], out=self._rewards[row])
        self._rewards[:, broken] = 0.0
        episodes.add(self._rewards, self.goal.within(state.goal_error))
        if task.performance is not None:
            episodes.performance += self._performance(broken)
        out.terminated[:] = False
        for ending in task.terminations:
            ended = self._terms.terminations[ending.term](state, self.constants, ending.limit)
            np.logical_or(out.terminated, ended, out=out.terminated)
        out.terminated[broken] = True
        self._add_up(out)
        np.greater_equal(episodes.length, self.length_max, out=out.truncated)
        np.logical_and(out.truncated, ~out.terminated, out=out.truncated)

    def success(self, out: Transition, episodes: EpisodeStatistics, ids: Indices) -> np.ndarray:
        """Tell which of some ended episodes reached the goal: an unbroken hold at the end of a full one, (k,)."""
        reached: np.ndarray = out.truncated[ids] & (episodes.held[ids] >= self._hold)
        return reached

    def performance(self, episodes: EpisodeStatistics, ids: Indices, success: np.ndarray) -> Float64Array:
        """Return how well some ended episodes went, (k,), in [0, 1]: the goal counts where the task names nothing."""
        if self._task.performance is None:
            return success.astype(np.float64)
        return np.clip(episodes.performance[ids] / self.length_max, 0.0, 1.0)

    def _performance(self, broken: Indices) -> Float64Array:
        wanted, row = self._task.performance, self._performance_row
        if row is not None:
            performance: Float64Array = self._rewards[row] / self._weights[row]
        elif wanted is not None:
            performance = self._terms.rewards[wanted.term](self._state, self.constants, wanted.scale)
            performance[broken] = 0.0
        return performance

    def _add_up(self, out: Transition) -> None:
        """Sum term by term: how NumPy adds a column up depends on how many columns there are."""
        task, total = self._task, self._total
        total.fill(0.0)
        for weighted in self._rewards:
            total += weighted
        if task.reward_min is not None:
            np.maximum(total, task.reward_min / task.control_rate, out=total)
        np.copyto(out.reward, total, casting="same_kind")
        np.subtract(out.reward, task.termination_penalty, out=out.reward, where=out.terminated)

    def _measure_goal(self) -> None:
        """Measure how far everybody is from the goal."""
        error, signals = self._state.goal_error, self._signals
        if self._by_tip:
            offset = self._state.tip_offset
            np.sqrt(np.einsum("ij,ij->i", offset, offset), out=error)
            return
        if self._task.goal.kind == "upright":
            np.copyto(signals.orientation.reshape(len(error), -1), self._attitude())
        np.copyto(error, self.goal.distance(signals))


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
