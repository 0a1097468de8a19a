"""Bookkeeping of episodes: returns, lengths, reward terms, metrics and success of those that ended."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from sim2real.hardware.types import BoolArray, Float64Array, Int64Array
from sim2real.model.addresses import Indices

RealArray = NDArray[np.floating[Any]]

DIVERGED: Final = "diverged"
"""Name of the end of an episode whose simulation diverged."""
TIME_LIMIT: Final = "time_limit"
"""Name of the end of an episode that nothing terminated."""

_FINISHED_MAX = 65_536  # a reader that never drains must not fill the memory; the oldest are dropped


class EpisodeStatistics:
    """Sums of the running episodes of n environments, and the finished ones since the last drain.

    Args:
        n: Number of environments.
        terms: Unique names of the parts of the reward.
        metrics: Names of what else is measured of an episode.
        ends: Unique names of the terminations.
        costs: Unique names of the costs.
    """

    def __init__(
        self,
        n: int,
        terms: tuple[str, ...],
        metrics: tuple[str, ...] = (),
        ends: tuple[str, ...] = (),
        costs: tuple[str, ...] = (),
    ) -> None:
        self.terms, self._metrics, self._ends = terms, metrics, ends
        self._sums, self._returns = np.zeros((len(terms), n)), np.zeros(n)
        self.costs: dict[str, Float64Array] = {name: np.zeros(n) for name in costs}
        """Sums of the costs over every running episode by name, (n,) each."""
        self._counts = np.zeros((3, n), np.int64)  # counted together
        self._steps: Int64Array = self._counts[0]  # `length` may begin at a random age
        self.length: Int64Array = self._counts[1]
        """Steps of every running episode, (n,)."""
        self.held: Int64Array = self._counts[2]
        """Steps in a row that every environment has been at the goal, (n,)."""
        self.performance = np.zeros(n)
        """Sum of the task's performance over every running episode, (n,)."""
        self.whole = np.ones(n, np.bool_)
        """Whether every running episode was seen from its start, (n,)."""
        self.diverged = 0
        """Episodes that ended because the simulation was no longer finite."""
        self._finished: list[dict[str, Float64Array]] = []
        self._count = 0

    def add(self, reward: RealArray, terms: Float64Array, at_goal: BoolArray) -> None:
        """Count one step.

        Args:
            reward: The reward, (n,); its sum is the return.
            terms: Its parts, (terms, n).
            at_goal: Who is at the goal, (n,).
        """
        np.add(self._returns, reward, out=self._returns)
        np.add(self._sums, terms, out=self._sums)
        np.add(self._counts, 1, out=self._counts)
        np.multiply(self.held, at_goal, out=self.held)

    def finish(
        self,
        ids: Indices,
        *,
        success: BoolArray,
        terminated: BoolArray,
        diverged: BoolArray,
        performance: Float64Array,
        metrics: dict[str, Float64Array],
        ends: BoolArray | None = None,
    ) -> None:
        """Move the episodes of some environments to the finished ones and start new ones there.

        Args:
            ids: The environments, (k,).
            success: Episodes that reached the goal, (k,).
            terminated: Episodes that ended in a terminal state, (k,).
            diverged: Episodes whose simulation diverged, (k,).
            performance: The task's performance, (k,).
            metrics: Figures by name, (k,) each.
            ends: Which terminations ended each episode, (ends, k); several may in one step.
        """
        self._finished.append(
            {
                "return": self._returns[ids],
                "length": self.length[ids].astype(np.float64),
                "success": success.astype(np.float64),
                "terminated": terminated.astype(np.float64),
                "diverged": diverged.astype(np.float64),
                "performance": performance,
            }
            | {f"reward/{name}": sums[ids] for name, sums in zip(self.terms, self._sums, strict=True)}
            | {f"metric/{name}": metrics[name] for name in self._metrics}
            | {f"cost/{name}": sums[ids] / np.maximum(self._steps[ids], 1) for name, sums in self.costs.items()}
            | self._ends_of(terminated, diverged, ends)
        )
        self.diverged += int(np.count_nonzero(diverged))
        self._count += len(ids)
        while self._count > _FINISHED_MAX:
            self._count -= len(self._finished.pop(0)["return"])
        self.begin(ids)

    def _ends_of(self, terminated: BoolArray, diverged: BoolArray, ends: BoolArray | None) -> dict[str, Float64Array]:
        """Return what ended episodes by name, 1 or 0 each: a termination, a divergence, or else the time limit."""
        by_term = np.zeros((len(self._ends), len(terminated))) if ends is None else ends.astype(np.float64)
        return dict(zip((f"end/{name}" for name in self._ends), by_term, strict=True)) | {
            f"end/{DIVERGED}": diverged.astype(np.float64),
            f"end/{TIME_LIMIT}": np.logical_not(terminated).astype(np.float64),
        }

    def begin(self, ids: Indices) -> None:
        """Start new episodes without counting the old ones."""
        self._returns[ids] = 0.0
        self._sums[:, ids] = 0.0
        self._counts[:, ids] = 0
        for sums in self.costs.values():
            sums[ids] = 0.0
        self.performance[ids] = 0.0
        self.whole[ids] = True

    def drain(self) -> dict[str, Float64Array]:
        """Return the finished episodes since the last call, one array entry an episode, in order of their end."""
        if not self._finished:
            keys = [
                *("return", "length", "success", "terminated", "diverged", "performance"),
                *(f"reward/{name}" for name in self.terms),
                *(f"metric/{name}" for name in self._metrics),
                *(f"cost/{name}" for name in self.costs),
                *(f"end/{name}" for name in (*self._ends, DIVERGED, TIME_LIMIT)),
            ]
            return {key: np.zeros(0) for key in keys}
        drained = {key: np.concatenate([part[key] for part in self._finished]) for key in self._finished[0]}
        self._finished, self._count = [], 0
        return drained

    def state_dict(self) -> dict[str, Any]:
        """Return what resuming needs: arrays and plain data."""
        return {
            "returns": self._returns.copy(),
            "sums": self._sums.copy(),
            "length": self.length.copy(),
            "held": self.held.copy(),
            "performance": self.performance.copy(),
            "whole": self.whole.copy(),
            "diverged": self.diverged,
        } | (
            {"costs": {name: sums.copy() for name, sums in self.costs.items()}, "steps": self._steps.copy()}
            if self.costs
            else {}
        )

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over the state that `state_dict` returned.

        One without `returns` was saved before floor and penalty of a reward were counted: their rows come last.
        """
        sums = np.asarray(state["sums"])
        self._sums[: len(sums)], self._sums[len(sums) :] = sums, 0.0
        self._returns[:] = state.get("returns", sums.sum(axis=0))
        self.length[:] = state["length"]
        self.held[:] = state["held"]
        self.performance[:] = state["performance"]
        self.whole[:] = state["whole"]
        self.diverged = int(state["diverged"])
        if self.costs:
            self._steps[:] = state["steps"]
            for name, sums in self.costs.items():
                sums[:] = state["costs"][name]
        self._finished, self._count = [], 0
