"""Importance-weighted success of finished episodes under another distribution than they were drawn from."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from sim2real.curriculum.beta_family import BetaFamily
from sim2real.hardware.types import Float64Array

WEIGHT_MAX = 10.0
"""Weights are clipped here, so that no single episode dominates. Success is never negative, so clipping can only lower
the estimate: it errs on the safe side. Within a trust region of 0.1 nats weights rarely come close."""


@dataclass(frozen=True)
class WeightedEpisodes:
    """K finished episodes with M parameters drawn from Beta distributions.

    A weight covers all drawn numbers of an episode: a parameter drawn for 12 joints counts 12 times.
    """

    family: BetaFamily
    widths: Float64Array
    """Number of columns of each parameter, (M,)."""
    statistics: Float64Array
    """Sums of the family's T over the columns of each parameter, (K, M, 2)."""
    drawn_from: Float64Array
    """Shapes of the distributions that the episodes were drawn from, (K, M, 2)."""
    success: Float64Array
    """0 or 1, (K,)."""

    def log_weights(self, shape: Float64Array) -> Float64Array:
        """Return log(p(x) / p_drawn(x)), (K,), of the episodes under a distribution with shapes (M, 2)."""
        log_density = np.tensordot(self.statistics, shape, axes=2) - self.widths @ self.family.normaliser(shape)
        return np.asarray(log_density - self._log_drawn)

    @cached_property
    def _log_drawn(self) -> Float64Array:
        """Log densities of the episodes under the distributions they were drawn from, up to a constant, (K,)."""
        different, which = np.unique(self.drawn_from, axis=0, return_inverse=True)
        normalisers = np.array([self.widths @ self.family.normaliser(shapes) for shapes in different])
        return np.asarray((self.drawn_from * self.statistics).sum(axis=(1, 2)) - normalisers[which.reshape(-1)])

    def success_rate(self, shape: Float64Array) -> tuple[float, Float64Array]:
        """Return the estimated success rate, (1/K) Σ w s, under a distribution, and its gradient, (M, 2)."""
        log_weight = self.log_weights(shape)
        cut = log_weight >= np.log(WEIGHT_MAX)
        gained = np.exp(np.minimum(log_weight, np.log(WEIGHT_MAX))) * self.success
        centred = self.statistics - self.widths[:, None] * self.family.mean(shape)
        slope = np.tensordot(np.where(cut, 0.0, gained), centred, axes=1) / len(gained)
        return float(gained.mean()), slope
