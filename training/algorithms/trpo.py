"""Trust region policy optimisation (Schulman et al. 2015)."""

from typing import Final

import torch
from torch import Tensor

from sim2real.configs.schema.on_policy import TrpoConfig
from sim2real.training.algorithms.interface import Metrics
from sim2real.training.algorithms.npg import Before, Npg
from sim2real.training.environment_interface import Environment


class Trpo(Npg):
    """The step of NPG, shortened until it holds what it promises.

        max_θ E[π_θ(a|s)/π_old(a|s)·A]   subject to   E[KL(π_old ‖ π_θ)] ≤ δ

    Along the natural gradient the steps s, αs, α²s, … are tried. The first one with a divergence of δ at most over the
    whole rollout, and a larger surrogate than before, is taken; if none is, the policy stays as it was. So no update
    has a divergence above δ.

    Switches: `max_kl` is δ, `backtrack_ratio` α.
    """

    def __init__(self, config: TrpoConfig, environment: Environment, seed: int) -> None:
        super().__init__(config, environment, seed)
        self.config: Final = config

    def move(self, before: Before, step: Tensor) -> Metrics:
        """Search along a step, (D,); return what was found."""
        config, least = self.config, float(before.advantage.mean())
        for tried in range(config.backtracks):
            gain, divergence = self.moved(before, config.backtrack_ratio**tried * step)
            if divergence <= config.max_kl and gain > least:
                return {"loss/surrogate": -gain, "policy/kl": divergence, "policy/backtracks": float(tried)}
        gain, divergence = self.moved(before, torch.zeros_like(step))
        return {"loss/surrogate": -gain, "policy/kl": divergence, "policy/backtracks": float(config.backtracks)}
