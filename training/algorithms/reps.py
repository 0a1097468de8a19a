"""Relative entropy policy search (Peters et al. 2010) over weights of whole policies (Deisenroth et al. 2013, §2.4)."""

import math
from typing import Final

import torch
from torch import Tensor

from sim2real.configs.schema.black_box import RepsConfig
from sim2real.training.environment_interface import Environment
from sim2real.training.gaussian_search import GaussianSearch

_BISECTIONS: Final = 80  # halves 80 natural orders of magnitude to less than double precision
_SPAN: Final = 40.0  # of log η around the spread of the returns


class Reps(GaussianSearch):
    """As RWR, with the temperature that keeps the weights within a divergence ε of equal ones.

        max_w Σ w_i·R_i   subject to   KL(w ‖ 1/P) ≤ ε,   Σ w_i = 1
        w_i ∝ exp(R_i / η),   η = argmin g(η) = η·ε + η·log((1/P)·Σ exp(R_i / η))

    g is the dual. Its slope is ε − KL(w(η) ‖ 1/P), and that divergence falls as η grows: η is found by bisection.

    Switches: `max_kl` is ε: a bound on what is lost of a generation, whatever the size of the rewards.
    """

    def __init__(self, config: RepsConfig, environment: Environment, seed: int) -> None:
        super().__init__(config, environment, seed)
        self.config: Final = config

    def weights(self, returns: Tensor) -> Tensor:
        """Return the weights of a generation, (P,)."""
        return torch.softmax(returns / temperature(returns, self.config.max_kl), dim=0)


def dual(returns: Tensor, eta: float, max_kl: float) -> float:
    """Return g(η) = η·ε + η·log((1/P)·Σ exp(R_i / η)) for returns, (P,)."""
    return eta * max_kl + eta * float(torch.logsumexp(returns / eta, 0) - math.log(len(returns)))


def temperature(returns: Tensor, max_kl: float) -> float:
    """Return the η that minimises the dual, for returns, (P,).

    Where even the best policies alone are within ε, and where all returns are equal, it is the end of the searched
    range: weights are then those of the best, or equal.
    """
    spread = float(returns.max() - returns.min())
    if not spread > 0.0:
        return 1.0
    low, high = math.log(spread) - _SPAN, math.log(spread) + _SPAN
    for _ in range(_BISECTIONS):
        middle = 0.5 * (low + high)
        weight = torch.softmax(returns / math.exp(middle), dim=0)
        divergence = float(torch.special.xlogy(weight, weight * len(returns)).sum())
        low, high = (middle, high) if divergence > max_kl else (low, middle)
    return math.exp(high)
