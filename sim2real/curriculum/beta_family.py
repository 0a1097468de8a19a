"""Beta distributions of several parameters as one exponential family: density, entropy, divergence and gradients.

A Beta distribution with shapes a, b on (0, 1) has the density exp(θ·T(x) − A(θ)) with θ = (a − 1, b − 1),
T(x) = (log x, log(1 − x)) and A = log B(a, b). The rest follows from A: ∇A is the mean of T, ∇²A its covariance, the
entropy is A − θ·∇A, and KL(θ‖θ') = (θ − θ')·∇A(θ) − A(θ) + A(θ'). A parameter with n choices uses the same density at
the centres of n equal parts of (0, 1), with A = log (1/n) Σ exp(θ·T). Its entropy is relative to the uniform choice, so
that it is 0 there, as for the uniform Beta. The formulas are the same for both.
"""

from collections.abc import Sequence

import numpy as np
from scipy.optimize import brentq
from scipy.special import betaincinv, betaln, polygamma, psi

from sim2real.curriculum.axis import Axis
from sim2real.hardware.types import Float64Array

SHAPE_MIN = 1.0
"""Smaller shapes concentrate a Beta at the limits; the widest allowed Beta is the uniform one, at (1, 1)."""
SHAPE_MAX = 1e3
_CONCENTRATION = 198.0
"""Initial a + b − 2: Beta(100, 100) for a calibrated value in the middle, as in the authors' code."""
_START_MASS = 0.9
"""Initial probability of the calibrated choice; closer to 1 the gradients of the others would vanish."""
_CONCENTRATION_MAX = 100.0  # times n²: the neighbours of the calibrated choice then have a probability below 1e-10
_EDGE = 1e-9  # share of the distance between the limits; keeps the logarithms in T finite


class BetaFamily:
    """Beta distributions of M parameters, each with two shapes; arrays of shapes are (M, 2).

    Args:
        axes: The parameters, each with different limits.
    """

    def __init__(self, axes: Sequence[Axis]) -> None:
        self._axes = tuple(axes)
        self._tables = {
            index: _statistics(_centres(len(axis.choices))) for index, axis in enumerate(axes) if axis.choices
        }

    def start(self) -> Float64Array:
        """Return the initial shapes, (M, 2): narrow, with the mode at the calibrated value."""
        return np.array([_start(axis) for axis in self._axes]).reshape(-1, 2)

    def sample(self, index: int, shape: Float64Array, uniform: Float64Array) -> Float64Array:
        """Return SI values of one parameter with shapes (2,) by the inverse CDF; shaped like `uniform`."""
        axis = self._axes[index]
        if axis.choices:
            mass, _ = _choice(self._tables[index], shape)
            cumulative = np.cumsum(mass)
            choice = np.searchsorted(cumulative, uniform, side="right")
            return np.array(axis.choices)[np.minimum(choice, len(axis.choices) - 1)]
        low, high = axis.limits
        coordinate: Float64Array = betaincinv(shape[0], shape[1], uniform)
        if axis.distribution == "log_uniform":
            return np.clip(low * (high / low) ** coordinate, low, high)
        return np.clip(low + coordinate * (high - low), low, high)

    def statistics(self, index: int, values: Float64Array) -> Float64Array:
        """Return T of SI values of one parameter, (..., 2)."""
        axis = self._axes[index]
        low, high = axis.limits
        if axis.choices:
            nearest = np.abs(values[..., None] - np.array(axis.choices)).argmin(axis=-1)
            table: Float64Array = self._tables[index][nearest]
            return table
        if axis.distribution == "log_uniform":
            return _statistics(np.log(values / low) / np.log(high / low))
        return _statistics((values - low) / (high - low))

    def normaliser(self, shape: Float64Array) -> Float64Array:
        """Return A, (M,)."""
        normaliser = betaln(shape[:, 0], shape[:, 1])
        for index, table in self._tables.items():
            _, normaliser[index] = _choice(table, shape[index])
        return np.asarray(normaliser)

    def mean(self, shape: Float64Array) -> Float64Array:
        """Return ∇A, the mean of T, (M, 2)."""
        mean = psi(shape) - psi(shape.sum(axis=1, keepdims=True))
        for index, table in self._tables.items():
            mass, _ = _choice(table, shape[index])
            mean[index] = mass @ table
        return np.asarray(mean)

    def covariance(self, shape: Float64Array) -> Float64Array:
        """Return ∇²A, the covariance of T, (M, 2, 2)."""
        own = polygamma(1, shape)[:, :, None] * np.eye(2)
        covariance = own - polygamma(1, shape.sum(axis=1))[:, None, None]
        for index, table in self._tables.items():
            mass, _ = _choice(table, shape[index])
            centred = table - mass @ table
            covariance[index] = (centred * mass[:, None]).T @ centred
        return np.asarray(covariance)

    def entropy(self, shape: Float64Array) -> Float64Array:
        """Return the entropies, (M,), nats: 0 for the uniform distribution, negative for others."""
        linear: Float64Array = ((shape - 1.0) * self.mean(shape)).sum(axis=1)
        return self.normaliser(shape) - linear

    def divergence(self, shape: Float64Array, reference: Float64Array) -> Float64Array:
        """Return KL(shape ‖ reference), (M,), nats."""
        linear: Float64Array = ((shape - reference) * self.mean(shape)).sum(axis=1)
        return linear - self.normaliser(shape) + self.normaliser(reference)

    def quantiles(self, shape: Float64Array, tails: float) -> Float64Array:
        """Return the SI values at the quantiles `tails` and 1 − `tails`, (M, 2); for choices not in ascending order."""
        ends = np.array([tails, 1.0 - tails])
        found = [self.sample(index, shape[index], ends) for index in range(len(self._axes))]
        return np.array(found).reshape(-1, 2)


def _statistics(coordinate: Float64Array) -> Float64Array:
    inside = np.clip(coordinate, _EDGE, 1.0 - _EDGE)
    return np.stack((np.log(inside), np.log1p(-inside)), axis=-1)


def _choice(table: Float64Array, shape: Float64Array) -> tuple[Float64Array, float]:
    """Return the probabilities of choices with statistics (n, 2) and their A, under shapes (2,)."""
    exponent = table @ (shape - 1.0)
    highest = exponent.max()
    relative = np.exp(exponent - highest)
    return relative / relative.sum(), float(highest + np.log(relative.mean()))


def _centres(choices: int) -> Float64Array:
    return (np.arange(choices) + 0.5) / choices


def _start(axis: Axis) -> tuple[float, float]:
    if axis.choices:
        mode = _centres(len(axis.choices))[int(axis.start)]
        table = _statistics(_centres(len(axis.choices)))
        direction = np.array([mode, 1.0 - mode])

        def excess(concentration: float) -> float:
            mass, _ = _choice(table, 1.0 + concentration * direction)
            return float(mass[int(axis.start)]) - _START_MASS

        concentration = brentq(excess, 0.0, _CONCENTRATION_MAX * len(axis.choices) ** 2)
    else:
        low, high = axis.limits
        share = (axis.start - low) / (high - low)
        if axis.distribution == "log_uniform":
            share = np.log(axis.start / low) / np.log(high / low)
        mode, concentration = min(max(float(share), 0.0), 1.0), _CONCENTRATION
    return 1.0 + concentration * mode, 1.0 + concentration * (1.0 - mode)
