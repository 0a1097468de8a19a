"""Cross-entropy method over the weights of a policy (Rubinstein 1999; Szita & Lőrincz 2006)."""

import math
from typing import Final

import torch
from torch import Tensor

from sim2real.configs.schema.black_box import CemConfig
from sim2real.training.environment_interface import Environment
from sim2real.training.gaussian_search import GaussianSearch


class Cem(GaussianSearch):
    """The Gaussian is fitted to the elite, the share ρ of a generation with the highest returns.

        w_i = 1/K for the K = ⌈ρ·P⌉ highest returns, else 0

    Switches: `elite_share` is ρ; a small one is greedy. `extra_std` keeps the search from ending before its goal.
    """

    def __init__(self, config: CemConfig, environment: Environment, seed: int) -> None:
        super().__init__(config, environment, seed)
        self.config: Final = config

    def weights(self, returns: Tensor) -> Tensor:
        """Return the weights of a generation, (P,)."""
        return elite_weights(returns, self.config.elite_share)


def elite_weights(returns: Tensor, share: float) -> Tensor:
    """Return equal weights for the ⌈share·P⌉ highest of the returns, (P,), and 0 for the others."""
    count = max(1, math.ceil(share * len(returns)))
    weight = torch.zeros_like(returns)
    weight[returns.argsort(descending=True, stable=True)[:count]] = 1.0 / count
    return weight
