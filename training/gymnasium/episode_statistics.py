"""Statistics of the episodes of a Gymnasium environment: return as paid, length, and what ended them."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from sim2real.hardware.types import Float64Array
from sim2real.task.episodes import TIME_LIMIT
from sim2real.training.environment_interface import Flags

_FINISHED_MAX: Final = 65_536  # a reader that never drains must not fill the memory; the oldest are dropped
_SUCCESS_KEYS: Final = ("is_success", "success")
"""Entries of `info` by which environments report success: Gymnasium-Robotics, Meta-World."""
_TERMINATED: Final = "terminated"


class GymnasiumEpisodes:
    """Running sums of n environments in double precision, and the finished episodes since the last drain.

    Args:
        n: Number of environments.
        costs: Names of the costs.
    """

    def __init__(self, n: int, costs: tuple[str, ...] = ()) -> None:
        self.diverged = 0
        """0: a foreign environment does not tell a divergence from another end."""
        self._returns, self._lengths = np.zeros(n), np.zeros(n, np.int64)
        self._costs = {name: np.zeros(n) for name in costs}
        self._finished: list[dict[str, Float64Array]] = []
        self._count = 0

    def begin(self) -> None:
        """Begin all episodes without counting the running ones."""
        self._returns[:], self._lengths[:] = 0.0, 0
        for sums in self._costs.values():
            sums[:] = 0.0

    def add(
        self,
        reward: NDArray[Any],
        terminated: Flags,
        truncated: Flags,
        skipped: Flags | None,
        info: Mapping[str, Any],
        costs: NDArray[Any],
    ) -> None:
        """Count one step.

        Args:
            reward: As the environment paid it, (n,).
            terminated: Episodes that ended in a terminal state, (n,).
            truncated: Episodes that ended otherwise, (n,).
            skipped: Rows that are no step; None for none.
            info: What the environment said of the step.
            costs: Costs of the step, (n, C).
        """
        for sums, values in zip(self._costs.values(), costs.T, strict=True):
            np.add(sums, values, out=sums)
        self._returns += reward
        self._lengths += 1 if skipped is None else ~skipped
        ended = np.flatnonzero(terminated | truncated)
        if not len(ended):
            return
        flags = terminated[ended].astype(np.float64)
        self._finished.append(
            {
                "return": self._returns[ended],
                "length": self._lengths[ended].astype(np.float64),
                "success": _success(info, ended),
                "terminated": flags,
                **{f"cost/{name}": sums[ended] / self._lengths[ended] for name, sums in self._costs.items()},
                f"end/{_TERMINATED}": flags,
                f"end/{TIME_LIMIT}": 1.0 - flags,
            }
        )
        self._returns[ended], self._lengths[ended] = 0.0, 0
        for sums in self._costs.values():
            sums[ended] = 0.0
        self._count += len(ended)
        while self._count > _FINISHED_MAX:
            self._count -= len(self._finished.pop(0)["return"])

    def drain(self) -> dict[str, Float64Array]:
        """Return the finished episodes since the last call, in order of their end; success is NaN if not reported."""
        if not self._finished:
            keys = ["return", "length", "success", "terminated", *(f"cost/{name}" for name in self._costs)]
            return {key: np.zeros(0) for key in (*keys, f"end/{_TERMINATED}", f"end/{TIME_LIMIT}")}
        drained = {key: np.concatenate([part[key] for part in self._finished]) for key in self._finished[0]}
        self._finished, self._count = [], 0
        return drained

    def state_dict(self) -> dict[str, Any]:
        """Return the sums of the running episodes."""
        costs = {"costs": {name: sums.copy() for name, sums in self._costs.items()}} if self._costs else {}
        return {"returns": self._returns.copy(), "lengths": self._lengths.copy(), **costs}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what `state_dict` returned."""
        self._returns[:], self._lengths[:] = state["returns"], state["lengths"]
        for name, sums in self._costs.items():
            sums[:] = state["costs"][name]
        self._finished, self._count = [], 0


def _success(info: Mapping[str, Any], rows: NDArray[np.intp]) -> Float64Array:
    """Return what the environment said of the success of ended episodes, (k,); NaN where it said nothing."""
    success = np.full(len(rows), np.nan)
    for said in (info, info.get("final_info", {})):
        for key in _SUCCESS_KEYS:
            if not isinstance(said, Mapping) or key not in said:
                continue
            values = np.asarray(said[key])[rows].astype(np.float64)
            mask = np.asarray(said.get(f"_{key}", np.ones(int(rows.max()) + 1, np.bool_)))[rows]
            success[mask] = values[mask]
    return success
