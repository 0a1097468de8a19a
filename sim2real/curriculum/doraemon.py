"""DORAEMON: domain randomisation by entropy maximisation (Tiboni et al., ICLR 2024, arXiv 2311.01885).

Choices that the paper leaves open:

- The distribution does not move before the first batch of episodes with a success rate of α, as in the authors' code:
  without successes it would follow noise.
- The Beta spans the hard limits, for `log_uniform` in the logarithm of the value, so that the widest distribution is
  the configured one. `normal` is ignored: the Beta replaces it.
- Many episodes are running when the distribution changes. An episode's tag is the version of the distribution it was
  drawn from; its weight is relative to that version. Importance weights only work between similar distributions: few
  samples of a narrow one lie where a wide one has mass, and success is underestimated. Episodes from more than about
  two steps away are counted and dropped.
"""

from typing import Any

import numpy as np

from sim2real.configs.errors import UserError
from sim2real.configs.schema.curriculum import DoraemonConfig
from sim2real.curriculum.beta_family import BetaFamily
from sim2real.curriculum.entropy import ENTROPY_FLOOR
from sim2real.curriculum.interface import Tags
from sim2real.curriculum.parameter_space import ParameterSpace
from sim2real.curriculum.performance import RecentPerformance
from sim2real.curriculum.trust_region import TrustRegion
from sim2real.curriculum.weighted_episodes import WeightedEpisodes
from sim2real.hardware.types import Float64Array

_VERSIONS_KEPT = 16
"""Past distributions whose episodes may still be used."""
_DIVERGENCE_MAX = 5.0
"""Largest divergence, in units of ε, to a past distribution whose episodes are used: two steps one way are four."""
_TAILS = 0.05
"""Probability mass outside each logged boundary."""


class Doraemon:
    """One Beta distribution for each of the M parameters with a range between its limits."""

    def __init__(self, config: DoraemonConfig, space: ParameterSpace) -> None:
        self._config, self._space = config, space
        self._moving = np.flatnonzero((space.span > 0.0) & (space.widths > 0))
        self._columns = [space.columns(int(dimension)) for dimension in self._moving]
        self._family = BetaFamily([space.axes[dimension] for dimension in self._moving])
        self._widths = space.widths[self._moving].astype(np.float64)
        self._shape = self._family.start()
        self._past = np.repeat(self._shape[None], _VERSIONS_KEPT, axis=0)
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
        """False: results of earlier distributions count too, at a steady rate."""
        return False

    @property
    def uniforms(self) -> int:
        """Random numbers per episode: C."""
        return len(self._space.dimension_of_column)

    def draw(self, uniform: Float64Array) -> tuple[Float64Array, Tags]:
        """Draw the values of k episodes, (k, C), SI."""
        values = np.tile(self._calibrated_columns(), (len(uniform), 1))
        for index, columns in enumerate(self._columns):
            values[:, columns] = self._family.sample(index, self._shape[index], uniform[:, columns])
        return values, np.full(len(uniform), self._version)

    def report(self, tags: Tags, values: Float64Array, performance: Float64Array) -> None:
        """Update the distribution from finished episodes, row by row; the split into calls does not matter."""
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
        while begin < len(tags):  # terminates: each turn consumes at least one episode
            end = begin + max(self._config.episodes - len(self._success), 1)
            part = slice(begin, end)
            self._add_episodes(tags[part], statistics[part], success[part])
            begin = end
            if len(self._success) >= self._config.episodes:
                self._update()

    def bounds(self) -> Float64Array:
        """Return the 5 % and 95 % quantiles of each parameter, (D, 2), SI."""
        bounds = np.stack((self._space.calibrated,) * 2, axis=-1)
        bounds[self._moving] = np.sort(self._family.quantiles(self._shape, _TAILS), axis=1)
        return bounds

    def figures(self) -> dict[str, float]:
        """Return boundaries, mean entropy of the parameters in nats, performance and counts.

        Entropies are those on limits of width 1, comparable with ADR's: 0 when all parameters are uniform.
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
        """Return the state needed to resume bit for bit."""
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
        """Restore what `state_dict` returned. Raises UserError if it has other parameters."""
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

    def _calibrated_columns(self) -> Float64Array:
        return self._space.calibrated[self._space.dimension_of_column]

    def _add_episodes(self, tags: Tags, statistics: Float64Array, success: Float64Array) -> None:
        """Add episodes to the batch; drop those of distributions that are too far away."""
        near = [tag for tag in np.unique(tags) if self._is_near(int(tag))]
        known = np.isin(tags, near)
        self._counts["stale"] += int(np.count_nonzero(~known))
        self._statistics = np.concatenate((self._statistics, statistics[known]))
        self._drawn_from = np.concatenate((self._drawn_from, self._past[tags[known] % _VERSIONS_KEPT]))
        self._success = np.concatenate((self._success, success[known]))

    def _is_near(self, tag: int) -> bool:
        """Return whether episodes of a past distribution may be weighted to the present one."""
        if self._version - tag >= _VERSIONS_KEPT:
            return False
        divergence = self._family.divergence(self._shape, self._past[tag % _VERSIONS_KEPT])
        return bool(self._widths @ divergence <= _DIVERGENCE_MAX * self._config.divergence_max)

    def _update(self) -> None:
        """Compute the next distribution from a full batch, and start a new batch."""
        episodes = WeightedEpisodes(self._family, self._widths, self._statistics, self._drawn_from, self._success)
        self._statistics, self._drawn_from, self._success = (
            array[:0] for array in (self._statistics, self._drawn_from, self._success)
        )
        rate, _ = episodes.success_rate(self._shape)
        self._latest = {"curriculum/success_rate": rate, "curriculum/divergence": 0.0}
        self._feasible |= rate >= self._config.success_rate
        if not self._feasible:
            return
        region = TrustRegion(episodes, self._shape, self._config.divergence_max, self._config.success_rate)
        shape = region.solve()
        self._latest["curriculum/divergence"] = region.divergence(shape)[0]
        change = region.entropy(shape)[0] - region.entropy(self._shape)[0]
        self._counts["updates"] += 1
        self._counts["widened"] += int(change > 0.0)
        self._counts["narrowed"] += int(change < 0.0)
        if not np.array_equal(shape, self._shape):
            self._shape = shape
            self._version += 1
            self._past[self._version % _VERSIONS_KEPT] = shape
