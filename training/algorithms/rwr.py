"""Reward-weighted regression (Peters & Schaal 2007) of the weights of whole policies (Deisenroth et al. 2013, §2.4)."""

from typing import Final

import torch
from torch import Tensor

from sim2real.configs.schema.black_box import RwrConfig
from sim2real.training.environment_interface import Environment
from sim2real.training.gaussian_search import GaussianSearch

_STD_MIN: Final = 1e-8  # returns that are all equal have equal weights


class Rwr(GaussianSearch):
    """The Gaussian is fitted to the whole generation, each policy with a weight that grows with its return.

        w_i ∝ exp(R_i / η),   η = temperature · standard deviation of the generation's returns

    This is a step of expectation-maximisation with exp(R/η) as the probability of success; there is no learning rate.

    Switches: `temperature` in units of the spread, so that the size of rewards does not matter.
    """

    def __init__(self, config: RwrConfig, environment: Environment, seed: int) -> None:
        super().__init__(config, environment, seed)
        self.config: Final = config

    def weights(self, returns: Tensor) -> Tensor:
        """Return the weights of a generation, (P,)."""
        return torch.softmax(returns / (self.config.temperature * returns.std() + _STD_MIN), dim=0)
