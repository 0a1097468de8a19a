"""What the learner is paid for a step, and what that is made of."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from sim2real.configs.schema.task import TaskConfig
from sim2real.hardware.types import BoolArray, Float64Array
from sim2real.model.addresses import Indices
from sim2real.task.rewards import REWARDS
from sim2real.task.state import Float32Array, TaskConstants, TaskState

FLOOR: Final = "reward_min"
"""Row of the return that has what the task's `reward_min` adds."""
PENALTY: Final = "termination_penalty"
"""Row of the return that has what the task's `termination_penalty` takes away."""


class PaidReward:
    """What a step is paid: the weighted terms together, not less than the floor, less the penalty of an end.

    Args:
        task: Names terms, floor and penalty.
        constants: Of the task.
        state: What the terms see; it is brought up to date before each step.
    """

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
