"""Proximal policy optimisation with a penalty on the divergence (Schulman et al. 2017, section 4)."""

from typing import Any, Final

import torch
from torch import Tensor

from sim2real.configs.schema.on_policy import PpoPenaltyConfig
from sim2real.training.algorithms.interface import Metrics
from sim2real.training.environment_interface import Environment
from sim2real.training.proximal import Proximal

_KL_WEIGHT_MIN: Final = 1e-6  # so many doublings that a divergence of any size is held again after few updates
_KL_WEIGHT_MAX: Final = 1e6
_FACTOR: Final = 2.0
_TOLERANCE: Final = 1.5


class PpoPenalty(Proximal):
    """PPO whose surrogate pays for divergence, with a fixed or an adaptive weight.

        max_θ E[r·A − β·KL(π_old ‖ π_θ)],   r = π_θ(a|s) / π_old(a|s)

        after each update with the divergence d = E[KL(π_old ‖ π_θ)] over its rollout:
        d < d_target/1.5: β ← β/2,    d > 1.5·d_target: β ← 2β

    Switches: `adaptive` moves β, which the paper finds better than any fixed one; `kl_target` is d_target, `kl_weight`
    the fixed or first β. The learning rate is constant by default: two controllers of one divergence fight each other.
    """

    figure = "policy/kl_weight"
    penalizes = True

    def __init__(self, config: PpoPenaltyConfig, environment: Environment, seed: int) -> None:
        super().__init__(config, environment, seed)
        self.config: Final = config
        self.kl_weight = config.kl_weight
        """β"""

    def surrogate(
        self, log_prob: Tensor, old_log_prob: Tensor, advantage: Tensor, divergence: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return −E[r·A] + β·KL, and β."""
        gain = (torch.exp(log_prob - old_log_prob) * advantage).mean()
        return self.kl_weight * divergence - gain, gain.detach().new_full((), self.kl_weight)

    def _learn(self, progress: float) -> Metrics:
        old = self.distribution.frozen()
        metrics = super()._learn(progress)
        with torch.no_grad():
            _, output = self.evaluated()
            old_output = self.rollout.steps_of(self.rollout.output.flatten(0, 1))
            divergence = float(self.distribution.divergence(old, old_output, output).mean())
        if self.config.adaptive and self._improves:
            self.kl_weight = adapted_weight(self.kl_weight, divergence, self.config.kl_target)
        return metrics | {"policy/update_kl": divergence}

    def state(self) -> dict[str, Any]:
        """Return the state needed to resume bit for bit, with β."""
        return super().state() | {"kl_weight": self.kl_weight}

    def restore(self, state: dict[str, Any]) -> None:
        """Restore what `state` returned."""
        super().restore(state)
        self.kl_weight = float(state["kl_weight"])


def adapted_weight(weight: float, divergence: float, target: float) -> float:
    """Return β for the divergence of an update; one that is not finite raises it."""
    if divergence < target / _TOLERANCE:
        return max(weight / _FACTOR, _KL_WEIGHT_MIN)
    return weight if divergence <= target * _TOLERANCE else min(weight * _FACTOR, _KL_WEIGHT_MAX)
