"""DORAEMON: domain randomisation by entropy maximisation (Tiboni et al., ICLR 2024, arXiv 2311.01885).

What the paper leaves open, and what is done here:

- Nothing moves until the first batch of episodes whose success rate reaches α, as in the authors' code: while nothing
  succeeds yet, a distribution that followed success would follow noise.
- Limits are those of the Beta; of a `log_uniform` parameter in the logarithm of its value, so that the widest
  distribution is the configured one. `normal` has no meaning here: the Beta takes its place.
- Many simulations are under way when the distribution changes. An episode's tag is the number of the distribution it
  was drawn from, and its weight is against that one. Weights cannot bridge much: from a narrow distribution hardly
  anything reaches where a wide one is, and success is underestimated. Episodes from further away than about two steps
  are counted and dropped.
"""

from typing import Any

import numpy as np

from sim2real.configs.errors import UserError
from sim2real.configs.schema.curriculum import DoraemonConfig
from sim2real.curriculum.beta import BetaFamily
from sim2real.curriculum.entropy import ENTROPY_FLOOR
from sim2real.curriculum.evidence import Evidence
from sim2real.curriculum.interface import Tags
from sim2real.curriculum.performance import RecentPerformance
from sim2real.curriculum.space import ParameterSpace
from sim2real.curriculum.trust_region import TrustRegion
from sim2real.hardware.types import Float64Array

_REMEMBERED = 16
"""Distributions whose episodes may still count."""
_BRIDGED = 5.0
"""Divergence in units of ε up to which they do: two steps in one direction are four."""
_TAILS = 0.05
"""Of the mass, on each side, outside the boundaries that are shown."""


class Doraemon:
    """One Beta distribution per parameter that has room to move: M of them."""

    def __init__(self, config: DoraemonConfig, space: ParameterSpace) -> None:
        self._config, self._space = config, space
        self._moving = np.flatnonzero((space.room > 0.0) & (space.widths > 0))
        self._columns = [space.columns(int(dimension)) for dimension in self._moving]
        self._family = BetaFamily([space.axes[dimension] for dimension in self._moving])
        self._widths = space.widths[self._moving].astype(np.float64)
        self._shape = self._family.start()
        self._past = np.repeat(self._shape[None], _REMEMBERED, axis=0)
        self._version = 0
        self._feasible = False
        self._statistics = np.empty((0, *self._shape.shape))
        self._drawn_from = np.empty((0, *self._shape.shape))
        self._success = np.empty(0)
        self._counts = {"updates": 0, "widened": 0, "narrowed": 0, "stale": 0}
        self._latest: dict[str, float] = {}
        self._recent = RecentPerformance()

    @property
    def ordered(self) -> bool:
        """Results of the distributions before count as well: they come at a steady rate."""
        return False

    @property
    def uniforms(self) -> int:
        """How many random numbers an episode takes: C."""
        return len(self._space.dimension_of_column)

    def draw(self, uniform: Float64Array) -> tuple[Float64Array, Tags]:
        """Draw the values of k episodes, (k, C), SI."""
        values = np.tile(self._standing(), (len(uniform), 1))
        for index, columns in enumerate(self._columns):
            values[:, columns] = self._family.sample(index, self._shape[index], uniform[:, columns])
        return values, np.full(len(uniform), self._version)

    def report(self, tags: Tags, values: Float64Array, performance: Float64Array) -> None:
        """Take in finished episodes in the order of the rows; whether at once or in pieces makes no difference."""
        self._recent.add(performance)
        if not len(self._moving):
            return
        statistics = np.stack(
            [
                self._family.statistics(index, values[:, columns]).sum(axis=1)
                for index, columns in enumerate(self._columns)
            ],
            axis=1,
        )
        success = (performance >= self._config.success_threshold).astype(np.float64)
        begin = 0
        while begin < len(tags):  # ends: each turn takes at least one episode
            end = begin + max(self._config.episodes - len(self._success), 1)
            part = slice(begin, end)
            self._take(tags[part], statistics[part], success[part])
            begin = end
            if len(self._success) >= self._config.episodes:
                self._update()

    def bounds(self) -> Float64Array:
        """Return the SI values between which 90 % of each parameter's distribution lie, (D, 2)."""
        bounds = np.stack((self._space.calibrated,) * 2, axis=-1)
        bounds[self._moving] = np.sort(self._family.quantiles(self._shape, _TAILS), axis=1)
        return bounds

    def figures(self) -> dict[str, float]:
        """Return boundaries, mean entropy of the parameters in nats, performance and counts.

        Entropy is that of a Beta on limits of width 1, so that it compares with ADR's: 0 when all are uniform.
        """
        entropy = np.maximum(self._family.entropy(self._shape), ENTROPY_FLOOR)
        return {
            "curriculum/entropy": float(entropy.mean()) if len(entropy) else 0.0,
            **{f"curriculum/{name}": float(count) for name, count in self._counts.items()},
            **self._latest,
            **self._space.figures(self.bounds()),
            **self._recent.figures(),
        }

    def state_dict(self) -> dict[str, Any]:
        """Return all that decides what follows."""
        return {
            "names": list(self._space.names),
            "shape": self._shape.copy(),
            "past": self._past.copy(),
            "version": self._version,
            "feasible": self._feasible,
            "statistics": self._statistics.copy(),
            "drawn_from": self._drawn_from.copy(),
            "success": self._success.copy(),
            "counts": dict(self._counts),
            "latest": dict(self._latest),
            "recent": self._recent.state(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from a state. Raises UserError if it is of other parameters."""
        self._space.check_state(state["names"])
        if state["shape"].shape != self._shape.shape:
            raise UserError(
                f"the checkpoint's curriculum moves {len(state['shape'])} parameters, this experiment's limits let "
                f"{len(self._shape)} move; valid: limits that let the same parameters move"
            )
        for name in ("shape", "past", "statistics", "drawn_from", "success"):
            setattr(self, f"_{name}", np.array(state[name]))
        self._version, self._feasible = int(state["version"]), bool(state["feasible"])
        self._counts, self._latest = dict(state["counts"]), dict(state["latest"])
        self._recent.restore(state["recent"])

    def _standing(self) -> Float64Array:
        return self._space.calibrated[self._space.dimension_of_column]

    def _take(self, tags: Tags, statistics: Float64Array, success: Float64Array) -> None:
        """Add episodes to the batch, but for those of forgotten distributions."""
        near = [tag for tag in np.unique(tags) if self._is_near(int(tag))]
        known = np.isin(tags, near)
        self._counts["stale"] += int(np.count_nonzero(~known))
        self._statistics = np.concatenate((self._statistics, statistics[known]))
        self._drawn_from = np.concatenate((self._drawn_from, self._past[tags[known] % _REMEMBERED]))
        self._success = np.concatenate((self._success, success[known]))

    def _is_near(self, tag: int) -> bool:
        """Return whether weights bridge the way from an earlier distribution to the present one."""
        if self._version - tag >= _REMEMBERED:
            return False
        divergence = self._family.divergence(self._shape, self._past[tag % _REMEMBERED])
        return bool(self._widths @ divergence <= _BRIDGED * self._config.divergence_max)

    def _update(self) -> None:
        """Compute the next distribution from a full batch, and begin a new batch."""
        evidence = Evidence(self._family, self._widths, self._statistics, self._drawn_from, self._success)
        self._statistics, self._drawn_from, self._success = (
            array[:0] for array in (self._statistics, self._drawn_from, self._success)
        )
        rate, _ = evidence.success_rate(self._shape)
        self._latest = {"curriculum/success_rate": rate, "curriculum/divergence": 0.0}
        self._feasible |= rate >= self._config.success_rate
        if not self._feasible:
            return
        region = TrustRegion(evidence, self._shape, self._config.divergence_max, self._config.success_rate)
        shape = region.solve()
        self._latest["curriculum/divergence"] = region.divergence(shape)[0]
        change = region.entropy(shape)[0] - region.entropy(self._shape)[0]
        self._counts["updates"] += 1
        self._counts["widened"] += int(change > 0.0)
        self._counts["narrowed"] += int(change < 0.0)
        if not np.array_equal(shape, self._shape):
            self._shape = shape
            self._version += 1
            self._past[self._version % _REMEMBERED] = shape
