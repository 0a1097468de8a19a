"""Losses of SAC: entropy-regularised targets, and the losses of critics, actor and temperature."""

import torch
from torch import Tensor


def soft_target(
    reward: Tensor, discount: Tensor, next_values: Tensor, next_log_prob: Tensor, temperature: Tensor
) -> Tensor:
    """Return y = r + γ·(min(Q₁', Q₂') − α·log π(a'|s')), (n,).

    Haarnoja et al. 2018, equations 5 and 6, with twin critics. `next_values` is (2, n), α a scalar, the rest (n,). The
    discount γ is 0 after a terminal state; a truncated step keeps its successor's value.
    """
    successor = torch.minimum(next_values[0], next_values[1]) - temperature * next_log_prob
    return torch.addcmul(reward, discount, successor)


def critic_loss(values: Tensor, target: Tensor) -> Tensor:
    """Return ½·E[(Q − y)²], summed over the twins; `values` is (2, n), `target` (n,)."""
    return 0.5 * (values - target).square().mean(-1).sum()


def actor_loss(values: Tensor, log_prob: Tensor, temperature: Tensor) -> Tensor:
    """Return E[α·log π(a|s) − min(Q₁, Q₂)]; `values` is (2, n), `log_prob` (n,)."""
    return (temperature * log_prob - torch.minimum(values[0], values[1])).mean()


def temperature_loss(log_temperature: Tensor, log_prob: Tensor, target_entropy: float) -> Tensor:
    """Return −E[log α·(log π(a|s) + target entropy)]; its gradient raises α while the entropy is below target."""
    return -(log_temperature * (log_prob.detach() + target_entropy)).mean()
