"""Statistics of paired results: two policies on the same seeds. Without scipy, which a robot does not have."""

from dataclasses import dataclass
from math import atan, comb, cos, pi, sin, sqrt
from statistics import NormalDist
from typing import Final

import numpy as np

from sim2real.hardware.types import Float64Array

CONFIDENCE: Final = 0.95
_Z: Final = NormalDist().inv_cdf(0.5 + CONFIDENCE / 2.0)
_BISECTIONS: Final = 80
"""Halvings of an interval of 1e6: more than the digits of a double."""


@dataclass(frozen=True)
class Interval:
    """An estimate with the ends of its confidence interval."""

    value: float
    low: float
    high: float

    def document(self) -> dict[str, float]:
        """Return plain data."""
        return {"value": self.value, "low": self.low, "high": self.high}


@dataclass(frozen=True)
class PairedSuccess:
    """Successes of two policies on the same n runs."""

    both: int
    only_old: int
    only_new: int
    neither: int

    @property
    def runs(self) -> int:
        """Number of runs of each policy."""
        return self.both + self.only_old + self.only_new + self.neither

    @property
    def old(self) -> Interval:
        """Share of successes of the old policy."""
        return wilson(self.both + self.only_old, self.runs)

    @property
    def new(self) -> Interval:
        """Share of successes of the new policy."""
        return wilson(self.both + self.only_new, self.runs)

    @property
    def change(self) -> Interval:
        """Share of the new policy minus that of the old.

        The interval is method 10 of Newcombe, Statistics in Medicine 17 (1998) 2635: Wilson's intervals of both
        shares, joined by their correlation, with his correction for continuity.
        """
        a, b, c, d = self.both, self.only_new, self.only_old, self.neither
        n = self.runs
        new, old = self.new, self.old
        squared = float((a + b) * (c + d) * (a + c) * (b + d))
        product = a * d - b * c
        corrected = max(product - n / 2.0, 0.0) if product > 0 else float(product)
        phi = corrected / sqrt(squared) if squared > 0.0 else 0.0
        down = _joined(new.value - new.low, old.high - old.value, phi)
        up = _joined(new.high - new.value, old.value - old.low, phi)
        value = (b - c) / n
        return Interval(value, max(value - down, -1.0), min(value + up, 1.0))

    @property
    def p(self) -> float:
        """Exact two-sided p of McNemar's test (Psychometrika 12 (1947) 153): the binomial of the discordant runs."""
        n, least = self.only_old + self.only_new, min(self.only_old, self.only_new)
        return min(1.0, 2.0 * sum(comb(n, k) for k in range(least + 1)) / (1 << n))


def wilson(successes: int, runs: int) -> Interval:
    """Return a share with its score interval (Wilson, JASA 22 (1927) 209). Raises ValueError for no runs."""
    if not 0 <= successes <= runs or runs < 1:
        raise ValueError(f"{successes} successes of {runs} runs")
    share, square = successes / runs, _Z**2
    middle = (share + square / (2 * runs)) / (1 + square / runs)
    half = _Z / (1 + square / runs) * sqrt(share * (1 - share) / runs + square / (4 * runs**2))
    low = 0.0 if successes == 0 else middle - half  # exact at the ends, where rounding would leave a rest
    return Interval(share, low, 1.0 if successes == runs else middle + half)


def mean_difference(differences: Float64Array) -> Interval | None:
    """Return the mean of paired differences, (n,), with Student's interval; None for fewer than two of them."""
    n = len(differences)
    if n < 2:
        return None
    mean = float(differences.mean())
    half = t_quantile(0.5 + CONFIDENCE / 2.0, n - 1) * float(differences.std(ddof=1)) / sqrt(n)
    return Interval(mean, mean - half, mean + half)


def t_quantile(probability: float, degrees: int) -> float:
    """Return the quantile of Student's t, for a probability from 0.5 to 1."""
    low, high = 0.0, 1e6
    for _ in range(_BISECTIONS):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if 0.5 + 0.5 * _within(middle, degrees) < probability else (low, middle)
    return 0.5 * (low + high)


def _within(t: float, degrees: int) -> float:
    """Return the probability of |T| < t, exactly: Abramowitz & Stegun 26.7.3 and 26.7.4."""
    angle = atan(t / sqrt(degrees))
    square, odd = cos(angle) ** 2, degrees % 2 == 1
    term = total = cos(angle) if odd else 1.0
    if degrees == 1:
        return 2.0 * angle / pi
    for k in range(1 if not odd else 2, degrees - 1, 2):
        term *= k / (k + 1) * square
        total += term
    return 2.0 / pi * (angle + sin(angle) * total) if odd else sin(angle) * total


def _joined(first: float, second: float, phi: float) -> float:
    return sqrt(max(first**2 - 2.0 * phi * first * second + second**2, 0.0))


def as_array(values: list[float]) -> Float64Array:
    """Return numbers as an array, (n,)."""
    return np.array(values, np.float64)
