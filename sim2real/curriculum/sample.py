"""Samples of one parameter from uniform random numbers, by the inverse CDF."""

import numpy as np
from scipy.special import ndtri

from sim2real.curriculum.axis import Axis
from sim2real.hardware.types import Float64Array

_DEVIATIONS_WIDE = 4.0
"""Width of a normal parameter's range in standard deviations, as its schema says."""


def sample(axis: Axis, low: float, high: float, uniform: Float64Array) -> Float64Array:
    """Draw values within boundaries.

    Args:
        axis: The parameter.
        low: Coordinate of the lower boundary, within the limits.
        high: Coordinate of the upper boundary, at least `low`.
        uniform: Any shape, in [0, 1).

    Returns:
        SI values of the same shape, between the boundaries; for a normal parameter between the limits. Choices of a
        categorical parameter are those between the boundaries in the order of its values, all equally likely.
    """
    if axis.distribution == "categorical":
        choices = np.array(axis.open_choices(low, high))
        return choices[np.minimum((uniform * len(choices)).astype(np.intp), len(choices) - 1)]
    if not low < high:
        return np.full(uniform.shape, low)
    if axis.distribution == "normal":
        deviation = (high - low) / _DEVIATIONS_WIDE
        values: Float64Array = (low + high) / 2.0 + deviation * ndtri(uniform)
        return values.clip(*axis.limits)
    if axis.distribution == "log_uniform":
        return np.clip(low * (high / low) ** uniform, low, high)
    return np.clip(low + uniform * (high - low), low, high)
