"""Automatic Domain Randomization (arXiv 1910.07113, appendix B): boundaries widen where performance is high.

Choices that the paper leaves open:

- A boundary is a number of steps from the calibrated value, so widening and narrowing undo each other exactly. The last
  step is cut at the limit.
- A boundary at its limit is still evaluated, because it must narrow when performance falls. A boundary that cannot move
  (its limit is the calibrated value, or its step is 0) is never evaluated: the parameter's other boundary is evaluated
  instead. A parameter with two such boundaries is never picked.
- An episode's tag holds its boundary and the number of moves of that boundary. Results from before a move are stale:
  they measure another value. They are counted and dropped, like the buffer at a move.
- Results of a boundary count in the order in which their episodes began (`ordered`): after a move the first episodes to
  end are the failures, and with many robots they alone would fill the buffer.
- Steps are SI values for `log_uniform` parameters too; only the draw between the boundaries is logarithmic.
- The paper's listing adds Δ to both boundaries; here a lower boundary is moved by -Δ.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from sim2real.configs.schema.curriculum import AdrConfig
from sim2real.curriculum.axis import Axis
from sim2real.curriculum.entropy import width_entropy
from sim2real.curriculum.interface import NO_TAG, Tags
from sim2real.curriculum.parameter_space import ParameterSpace
from sim2real.curriculum.performance import RecentPerformance
from sim2real.curriculum.sample import sample
from sim2real.hardware.types import BoolArray, Float64Array, Int64Array

_OUTWARD = np.array([-1.0, 1.0])
_PICKS = 3  # random numbers of an episode before its columns: boundary episode or not, parameter, side
_ROUNDING = 1e-9  # of a step: 0.3 / 0.1 must be three steps


class AutomaticDomainRandomization:
    """Lower and upper boundaries of D parameters, each with a buffer of results."""

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
        """True: the count restarts with each move."""
        return True

    @property
    def uniforms(self) -> int:
        """Random numbers per episode: C + 3."""
        return _PICKS + len(self._space.dimension_of_column)

    def draw(self, uniform: Float64Array) -> tuple[Float64Array, Tags]:
        """Draw the values of k episodes, (k, C), SI; a boundary episode fixes one parameter at one boundary."""
        coordinates = self._coordinates()
        dimension, side = self._pick(uniform[:, :_PICKS])
        values = np.empty((len(uniform), self.uniforms - _PICKS))
        for index, (axis, (low, high)) in enumerate(zip(self._space.axes, coordinates, strict=True)):
            columns = self._space.columns(index)
            values[:, columns] = sample(axis, low, high, uniform[:, _PICKS:][:, columns])
        edges = np.stack([self._space.values(coordinates[:, [of_side, of_side]])[:, 0] for of_side in (0, 1)], axis=-1)
        here = dimension[:, None] == self._space.dimension_of_column
        if here.any():
            values = np.where(here, edges[dimension, side][:, None], values)
        tags = np.full(len(uniform), NO_TAG)
        evaluated = dimension >= 0
        at = dimension[evaluated], side[evaluated]
        tags[evaluated] = self._version[at] * self._version.size + 2 * at[0] + at[1]
        return values, tags

    def report(self, tags: Tags, values: Float64Array, performance: Float64Array) -> None:
        """Update the boundaries from finished episodes, row by row; the split into calls does not matter."""
        self._recent.add(performance)
        evaluated = tags != NO_TAG
        if not evaluated.any():
            return
        version, boundary = np.divmod(tags[evaluated], self._version.size)
        results = performance[evaluated]
        for index in np.unique(boundary):
            rows = boundary == index
            self._add_results(divmod(int(index), 2), version[rows], results[rows])

    def bounds(self) -> Float64Array:
        """Return the lower and upper boundary of every parameter, (D, 2), SI."""
        return self._space.values(self._coordinates())

    def figures(self) -> dict[str, float]:
        """Return boundaries, entropy in nats per dimension, performance, and counts of boundary moves."""
        coordinates = self._coordinates()
        return {
            "curriculum/entropy": width_entropy(coordinates[:, 1] - coordinates[:, 0], self._space.span),
            **{f"curriculum/{name}": float(count) for name, count in self._counts.items()},
            **self._space.figures(self._space.values(coordinates)),
            **self._recent.figures(),
        }

    def state_dict(self) -> dict[str, Any]:
        """Return the state needed to resume bit for bit."""
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
        """Restore what `state_dict` returned. Raises UserError if it has other parameters.

        If limits or buffer size have changed since, boundaries are clipped to the limits and buffers are cut.
        """
        self._space.check_state(state["names"])
        self._steps = np.minimum(state["steps"], self._steps_max)
        self._version = np.array(state["version"])
        size = min(self._config.buffer, state["buffer"].shape[-1])
        self._buffer[..., :size] = state["buffer"][..., :size]
        self._filled = np.minimum(state["filled"], self._config.buffer - 1)
        self._counts = dict(state["counts"])
        self._recent.restore(state["recent"])

    def _coordinates(self) -> Float64Array:
        """Return the boundaries on the axes, (D, 2)."""
        start = np.array([axis.start for axis in self._space.axes]).reshape(-1, 1)
        step = np.array([axis.step for axis in self._space.axes]).reshape(-1, 1)
        limits = np.array([axis.limits for axis in self._space.axes]).reshape(-1, 2)
        reached = np.where(self._steps < self._steps_max, start + _OUTWARD * self._steps * step, limits)
        return np.where(self._steps > 0, reached, start)

    def _pick(self, uniform: Float64Array) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
        """Return the parameter, or -1, and the side that k episodes evaluate, from uniform numbers, (k, 3)."""
        candidates = np.flatnonzero(self._movable.any(axis=1))
        if not len(candidates):
            nothing = np.full(len(uniform), -1)
            return nothing, nothing
        dimension = candidates[np.minimum((uniform[:, 1] * len(candidates)).astype(np.intp), len(candidates) - 1)]
        fair = (uniform[:, 2] >= 0.5).astype(np.intp)
        side = np.where(self._movable[dimension, fair], fair, 1 - fair)
        return np.where(uniform[:, 0] < self._config.boundary_share, dimension, -1), side

    def _add_results(self, at: tuple[int, int], version: Int64Array, results: Float64Array) -> None:
        """Add results of one boundary, and evaluate it each time its buffer is full."""
        current: BoolArray = version == self._version[at]
        pending = np.concatenate((self._buffer[at][: self._filled[at]], results[current]))
        self._counts["stale"] += int(np.count_nonzero(~current))
        while len(pending) >= self._config.buffer:  # terminates: each turn consumes at least one result
            full, pending = pending[: self._config.buffer], pending[self._config.buffer :]
            if self._move(at, float(full.mean())):
                self._counts["stale"] += len(pending)
                pending = pending[:0]
        self._filled[at] = len(pending)
        self._buffer[at] = 0.0
        self._buffer[at][: len(pending)] = pending

    def _move(self, at: tuple[int, int], mean: float) -> bool:
        """Widen or narrow one boundary according to its mean performance; return whether it moved."""
        outward = int(mean >= self._config.threshold_high) - int(mean <= self._config.threshold_low)
        steps = min(max(int(self._steps[at]) + outward, 0), int(self._steps_max[at]))
        if steps == self._steps[at]:
            return False
        self._counts["widened" if outward > 0 else "narrowed"] += 1
        self._steps[at] = steps
        self._version[at] += 1
        return True


def _steps(axis: Axis) -> tuple[int, int]:
    """Return the numbers of steps from the calibrated value to the lower and the upper limit."""
    spans = (axis.start - axis.limits[0], axis.limits[1] - axis.start)
    if not axis.step > 0.0:
        return 0, 0
    down, up = (int(np.ceil(span / axis.step - _ROUNDING)) for span in spans)
    return down, up
