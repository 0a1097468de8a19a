"""The reward of a step, and its parts."""

import math
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from sim2real.configs.errors import NonFiniteError
from sim2real.configs.schema.task import TaskConfig
from sim2real.hardware.types import BoolArray, Float64Array
from sim2real.model.addresses import Indices
from sim2real.task.state import Float32Array, TaskConstants, TaskState
from sim2real.task.terms import Terms

FLOOR: Final = "reward_min"
"""Row of the return: what the task's `reward_min` adds."""
PENALTY: Final = "termination_penalty"
"""Row of the return: what the task's `termination_penalty` subtracts."""


class PaidReward:
    """The reward of a step: the sum of the weighted terms, at least the floor, minus the termination penalty.

    Args:
        task: Source of terms, floor and penalty.
        constants: Constants of the task.
        state: State that the terms see, read-only; updated before each step.
    """

    def __init__(self, task: TaskConfig, constants: TaskConstants, state: TaskState) -> None:
        n, terms = len(state.position), [entry.term for entry in task.rewards]
        floor, penalty = task.reward_min is not None, task.termination_penalty > 0.0
        self.names = distinct([*terms, *[FLOOR] * floor, *[PENALTY] * penalty])
        """Unique names of the rows."""
        self.rows = np.zeros((len(self.names), n))
        """Parts of the last step's reward, (rows, n): the terms, then floor and penalty, if any."""
        self._task, self._constants, self._state = task, constants, state
        self._functions = Terms.of(task).rewards
        self._terms = self.rows[: len(terms)]
        self._floor = self.rows[len(terms)] if floor else None
        self._penalty = self.rows[-1] if penalty else None
        weights = np.array([entry.weight / task.control_rate for entry in task.rewards])
        self._paid = [
            (self._functions[entry.term], entry.scale, weight, row)
            for entry, weight, row in zip(task.rewards, weights, self._terms, strict=True)
        ]
        self._floor_value = (task.reward_min or 0.0) / task.control_rate
        self._total = np.zeros(n)
        self._performance_row = _row_of(task)

    def pay(self, out: Float32Array, terminated: BoolArray, broken: Indices) -> None:
        """Compute the reward of every robot into `out`, (n,)."""
        state, constants, total = self._state, self._constants, self._total
        for term, scale, weight, row in self._paid:
            np.multiply(term(state, constants, scale), weight, out=row)
        if len(broken):
            self._terms[:, broken] = 0.0
        total.fill(0.0)
        for *_, row in self._paid:  # term by term: the order of NumPy's sum depends on the number of columns
            total += row
        if self._floor is not None:
            np.negative(total, out=self._floor)
            np.maximum(total, self._floor_value, out=total)
            self._floor += total
        np.copyto(out, total, casting="same_kind")
        if self._penalty is not None:
            np.subtract(out, self._task.termination_penalty, out=out, where=terminated)
            np.multiply(terminated, -self._task.termination_penalty, out=self._penalty)

    def performance(self, broken: Indices) -> Float64Array:
        """Return the task's performance in the last step, (n,)."""
        wanted, row = self._task.performance, self._performance_row
        if wanted is None:
            raise ValueError(f"task {self._task.name!r} names no performance")
        if row is not None:
            _, _, weight, paid = self._paid[row]
            performance: Float64Array = paid / weight
            return performance
        performance = self._functions[wanted.term](self._state, self._constants, wanted.scale).astype(np.float64)
        performance[broken] = 0.0
        return performance

    def require_finite(self, reward: Float32Array) -> None:
        """Refuse a reward that is not finite, (n,), also where the floor hides it.

        Raises:
            NonFiniteError: The message names the first term whose part is not finite, with its place and the robot.
        """
        with np.errstate(invalid="ignore", over="ignore"):
            total = reward.sum() + (0.0 if self._floor is None else self._floor.sum())
        if math.isfinite(total):
            return
        for entry, row in zip(self._task.rewards, self._terms, strict=True):
            bad = np.flatnonzero(~np.isfinite(row))
            if len(bad):
                raise NonFiniteError(str(self._functions[entry.term].wrong(_said(row, bad))))
        bad = np.flatnonzero(~np.isfinite(reward))
        if len(bad):
            raise NonFiniteError(f"task {self._task.name!r}: the sum of its rewards {_said(reward, bad)}")


def _said(values: NDArray[np.floating[Any]], bad: Indices) -> str:
    """Return what is wrong with values, (n,), of which those at `bad` are not finite."""
    return f"is {float(values[bad[0]])} for robot {int(bad[0])}, one of {len(bad)} of {len(values)}"


def distinct(names: Sequence[str]) -> tuple[str, ...]:
    """Number repeated names: `tip_near`, `tip_near_2`."""
    counts = [names[: index + 1].count(name) for index, name in enumerate(names)]
    return tuple(name if count == 1 else f"{name}_{count}" for name, count in zip(names, counts, strict=True))


def _row_of(task: TaskConfig) -> int | None:
    """Return the row of the reward that equals the task's performance, or None."""
    wanted = task.performance
    for row, entry in enumerate(task.rewards):
        if wanted is not None and (entry.term, entry.scale) == (wanted.term, wanted.scale) and entry.weight != 0.0:
            return row
    return None
