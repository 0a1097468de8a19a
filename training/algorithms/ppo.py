"""Proximal policy optimisation with the clipped surrogate (Schulman et al. 2017)."""

from typing import Final

from torch import Tensor

from sim2real.configs.schema.algorithm import PpoConfig
from sim2real.training.algorithms.ppo_loss import clipped_surrogate
from sim2real.training.environment_interface import Environment
from sim2real.training.proximal import Proximal


class Ppo(Proximal):
    """PPO-clip: nothing is gained by moving the ratio of probabilities r out of 1 ± ε.

        max_θ E[min(r·A, clip(r, 1 − ε, 1 + ε)·A)],   r = π_θ(a|s) / π_old(a|s)

    Switches: `clip` is ε; `target_kl` lets the learning rate follow the divergence, which costs nothing and makes ε and
    the rate matter less; `recompute_advantages` and the normalised values are from the large studies of such details.
    """

    figure = "policy/clipped"

    def __init__(self, config: PpoConfig, environment: Environment, seed: int) -> None:
        super().__init__(config, environment, seed)
        self.config: Final = config

    def surrogate(
        self, log_prob: Tensor, old_log_prob: Tensor, advantage: Tensor, divergence: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return the clipped surrogate, and the share of steps with a clipped ratio."""
        return clipped_surrogate(log_prob, old_log_prob, advantage, self.config.clip)
