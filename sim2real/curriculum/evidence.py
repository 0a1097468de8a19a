"""What finished episodes tell about a distribution that they were not drawn from: importance weights."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from sim2real.curriculum.beta import BetaFamily
from sim2real.hardware.types import Float64Array

WEIGHT_MAX = 10.0
"""Weights are cut here, so that no single episode decides. As a success is never negative, that can only lower an
estimate of success: it errs to caution. Within a trust region of 0.1 nats hardly a weight comes near it."""


@dataclass(frozen=True)
class Evidence:
    """K finished episodes whose M parameters were drawn from Beta distributions.

    A weight is of all numbers of an episode: a parameter that is drawn for 12 joints counts 12 times.
    """

    family: BetaFamily
    widths: Float64Array
    """(M,); columns of each parameter."""
    statistics: Float64Array
    """(K, M, 2); sums of the family's T over the columns of each parameter."""
    drawn_from: Float64Array
    """(K, M, 2); shapes."""
    success: Float64Array
    """(K,); 0 or 1."""

    def log_weights(self, shape: Float64Array) -> Float64Array:
        """Return log p(x) / p_drawn(x) of the episodes under a distribution with shapes (M, 2); (K,)."""
        log_density = np.tensordot(self.statistics, shape, axes=2) - self.widths @ self.family.normaliser(shape)
        return np.asarray(log_density - self._log_drawn)

    @cached_property
    def _log_drawn(self) -> Float64Array:
        """Log densities of the episodes where they were drawn, up to the same constant, (K,)."""
        different, which = np.unique(self.drawn_from, axis=0, return_inverse=True)
        normalisers = np.array([self.widths @ self.family.normaliser(shapes) for shapes in different])
        return np.asarray((self.drawn_from * self.statistics).sum(axis=(1, 2)) - normalisers[which.reshape(-1)])

    def success_rate(self, shape: Float64Array) -> tuple[float, Float64Array]:
        """Return the estimated success rate (1/K) Σ w s under a distribution and its gradient by the shapes, (M, 2)."""
        log_weight = self.log_weights(shape)
        cut = log_weight >= np.log(WEIGHT_MAX)
        gained = np.exp(np.minimum(log_weight, np.log(WEIGHT_MAX))) * self.success
        centred = self.statistics - self.widths[:, None] * self.family.mean(shape)
        slope = np.tensordot(np.where(cut, 0.0, gained), centred, axes=1) / len(gained)
        return float(gained.mean()), slope
