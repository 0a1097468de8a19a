"""Automatic Domain Randomization (arXiv 1910.07113, appendix B): boundaries that widen where the learner does well.

What the paper leaves open, and what is done here:

- A boundary is a number of steps from the calibrated value, so that widening and narrowing undo each other exactly. The
  last step ends at the limit, however short it is.
- A boundary at its limit is evaluated like any other: it has to narrow again when performance falls. A boundary that
  could never move (its limit is the calibrated value, or its step is 0) is never evaluated: the parameter's other
  boundary is instead, and a parameter with two of them is not picked.
- An episode's tag names the boundary and how often it had moved. Results of a boundary that has moved since are stale:
  they tell how the learner does at another value, so they are counted and dropped, as the move drops the buffer.
- Results of a boundary are taken in the order in which their episodes began (`ordered`): after a move the first to end
  are the failures, and with many robots they alone would fill the buffer.
- Steps add in SI units for `log_uniform` parameters as well; only the draw between the boundaries is logarithmic.
- The listing in the paper adds Δ at both boundaries; for a lower boundary its sign is turned, so that it goes down.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from sim2real.configs.schema.curriculum import AdrConfig
from sim2real.curriculum.axis import Axis
from sim2real.curriculum.entropy import width_entropy
from sim2real.curriculum.interface import NO_TAG, Tags
from sim2real.curriculum.performance import RecentPerformance
from sim2real.curriculum.sample import sample
from sim2real.curriculum.space import ParameterSpace
from sim2real.hardware.types import BoolArray, Float64Array, Int64Array

_OUTWARD = np.array([-1.0, 1.0])
_PICKS = 3  # numbers of an episode before its columns: boundary or not, which parameter, which side
_ROUNDING = 1e-9  # of a step: 0.3 / 0.1 is three steps


class AutomaticDomainRandomization:
    """Lower and upper boundaries, in D rows, each with its buffer of results."""

    def __init__(self, config: AdrConfig, space: ParameterSpace) -> None:
        self._config, self._space = config, space
        dimensions = len(space.names)
        self._steps_max = np.array([_steps(axis) for axis in space.axes], dtype=np.int64).reshape(-1, 2)
        self._movable = (self._steps_max > 0) & (space.widths > 0)[:, None]
        self._steps = np.zeros((dimensions, 2), np.int64)
        self._version = np.zeros((dimensions, 2), np.int64)
        self._buffer = np.zeros((dimensions, 2, config.buffer))
        self._filled = np.zeros((dimensions, 2), np.int64)
        self._counts = {"widened": 0, "narrowed": 0, "stale": 0}
        self._recent = RecentPerformance()

    @property
    def ordered(self) -> bool:
        """Counting starts over with each move."""
        return True

    @property
    def uniforms(self) -> int:
        """How many random numbers an episode takes: C + 3."""
        return _PICKS + len(self._space.dimension_of_column)

    def draw(self, uniform: Float64Array) -> tuple[Float64Array, Tags]:
        """Draw the values of k episodes, (k, C), SI; a boundary episode has one parameter at one of its boundaries."""
        places = self._places()
        dimension, side = self._pick(uniform[:, :_PICKS])
        values = np.empty((len(uniform), self.uniforms - _PICKS))
        for index, (axis, (low, high)) in enumerate(zip(self._space.axes, places, strict=True)):
            columns = self._space.columns(index)
            values[:, columns] = sample(axis, low, high, uniform[:, _PICKS:][:, columns])
        edges = np.stack([self._space.values(places[:, [of_side, of_side]])[:, 0] for of_side in (0, 1)], axis=-1)
        here = dimension[:, None] == self._space.dimension_of_column
        if here.any():
            values = np.where(here, edges[dimension, side][:, None], values)
        tags = np.full(len(uniform), NO_TAG)
        evaluated = dimension >= 0
        at = dimension[evaluated], side[evaluated]
        tags[evaluated] = self._version[at] * self._version.size + 2 * at[0] + at[1]
        return values, tags

    def report(self, tags: Tags, values: Float64Array, performance: Float64Array) -> None:
        """Take in finished episodes in the order of the rows; whether at once or in pieces makes no difference."""
        self._recent.add(performance)
        evaluated = tags != NO_TAG
        if not evaluated.any():
            return
        version, boundary = np.divmod(tags[evaluated], self._version.size)
        results = performance[evaluated]
        for index in np.unique(boundary):
            of_it = boundary == index
            self._take(divmod(int(index), 2), version[of_it], results[of_it])

    def bounds(self) -> Float64Array:
        """Return the lower and upper boundary of every parameter, (D, 2), SI."""
        return self._space.values(self._places())

    def figures(self) -> dict[str, float]:
        """Return boundaries, entropy in nats per dimension, performance, and how often boundaries moved."""
        places = self._places()
        return {
            "curriculum/entropy": width_entropy(places[:, 1] - places[:, 0], self._space.room),
            **{f"curriculum/{name}": float(count) for name, count in self._counts.items()},
            **self._space.figures(self._space.values(places)),
            **self._recent.figures(),
        }

    def state_dict(self) -> dict[str, Any]:
        """Return all that decides what follows."""
        return {
            "names": list(self._space.names),
            "steps": self._steps.copy(),
            "version": self._version.copy(),
            "buffer": self._buffer.copy(),
            "filled": self._filled.copy(),
            "counts": dict(self._counts),
            "recent": self._recent.state(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from a state. Raises UserError if it is of other parameters.

        Where the limits or the size of the buffer have changed since, boundaries stay within the limits and the buffer
        keeps what it can.
        """
        self._space.check_state(state["names"])
        self._steps = np.minimum(state["steps"], self._steps_max)
        self._version = np.array(state["version"])
        size = min(self._config.buffer, state["buffer"].shape[-1])
        self._buffer[..., :size] = state["buffer"][..., :size]
        self._filled = np.minimum(state["filled"], self._config.buffer - 1)
        self._counts = dict(state["counts"])
        self._recent.restore(state["recent"])

    def _places(self) -> Float64Array:
        """Return the boundaries on the axes, (D, 2)."""
        start = np.array([axis.start for axis in self._space.axes]).reshape(-1, 1)
        step = np.array([axis.step for axis in self._space.axes]).reshape(-1, 1)
        limits = np.array([axis.limits for axis in self._space.axes]).reshape(-1, 2)
        reached = np.where(self._steps < self._steps_max, start + _OUTWARD * self._steps * step, limits)
        return np.where(self._steps > 0, reached, start)

    def _pick(self, uniform: Float64Array) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
        """Return which parameter, or -1, and which of its sides k episodes evaluate, from (k, 3)."""
        candidates = np.flatnonzero(self._movable.any(axis=1))
        if not len(candidates):
            nothing = np.full(len(uniform), -1)
            return nothing, nothing
        dimension = candidates[np.minimum((uniform[:, 1] * len(candidates)).astype(np.intp), len(candidates) - 1)]
        fair = (uniform[:, 2] >= 0.5).astype(np.intp)
        side = np.where(self._movable[dimension, fair], fair, 1 - fair)
        return np.where(uniform[:, 0] < self._config.boundary_share, dimension, -1), side

    def _take(self, at: tuple[int, int], version: Int64Array, results: Float64Array) -> None:
        """Take in results of one boundary, and move it as often as its buffer fills."""
        current: BoolArray = version == self._version[at]
        pending = np.concatenate((self._buffer[at][: self._filled[at]], results[current]))
        self._counts["stale"] += int(np.count_nonzero(~current))
        while len(pending) >= self._config.buffer:  # ends: each turn uses up at least one result
            full, pending = pending[: self._config.buffer], pending[self._config.buffer :]
            if self._move(at, float(full.mean())):
                self._counts["stale"] += len(pending)
                pending = pending[:0]
        self._filled[at] = len(pending)
        self._buffer[at] = 0.0
        self._buffer[at][: len(pending)] = pending

    def _move(self, at: tuple[int, int], mean: float) -> bool:
        """Widen or narrow one boundary by what it scored on average; return whether it moved."""
        outward = int(mean >= self._config.threshold_high) - int(mean <= self._config.threshold_low)
        steps = min(max(int(self._steps[at]) + outward, 0), int(self._steps_max[at]))
        if steps == self._steps[at]:
            return False
        self._counts["widened" if outward > 0 else "narrowed"] += 1
        self._steps[at] = steps
        self._version[at] += 1
        return True


def _steps(axis: Axis) -> tuple[int, int]:
    """Return how many steps lie between the calibrated value and the lower and the upper limit."""
    rooms = (axis.start - axis.limits[0], axis.limits[1] - axis.start)
    if not axis.step > 0.0:
        return 0, 0
    down, up = (int(np.ceil(room / axis.step - _ROUNDING)) for room in rooms)
    return down, up
