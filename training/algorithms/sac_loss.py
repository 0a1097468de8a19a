"""Losses of SAC: soft values and targets, and the losses of critics, value network, actor and temperature."""

import torch
from torch import Tensor


def soft_value(values: Tensor, log_prob: Tensor, temperature: Tensor) -> Tensor:
    """Return min(Q₁, Q₂) − α·log π(a|s), (n,): a sample of the value of a state, entropy included.

    Haarnoja et al. 2018, equation 3, with twin critics. `values` is (2, n), `log_prob` (n,), α a scalar.
    """
    return torch.minimum(values[0], values[1]) - temperature * log_prob


def soft_target(reward: Tensor, discount: Tensor, next_value: Tensor) -> Tensor:
    """Return y = r + γ·V(s'), (n,), of the soft value of the successor (Haarnoja et al. 2018, equation 2).

    The discount γ is 0 after a terminal state; a truncated step keeps its successor's value.
    """
    return torch.addcmul(reward, discount, next_value)


def value_loss(value: Tensor, target: Tensor) -> Tensor:
    """Return ½·E[(V − (min Q − α·log π))²] (Haarnoja et al. 2018, first version, equation 5); both are (n,)."""
    return 0.5 * (value - target).square().mean()


def critic_loss(values: Tensor, target: Tensor) -> Tensor:
    """Return ½·E[(Q − y)²], summed over the twins; `values` is (2, n), `target` (n,)."""
    return 0.5 * (values - target).square().mean(-1).sum()


def actor_loss(values: Tensor, log_prob: Tensor, temperature: Tensor) -> Tensor:
    """Return E[α·log π(a|s) − min(Q₁, Q₂)]; `values` is (2, n), `log_prob` (n,)."""
    return (temperature * log_prob - torch.minimum(values[0], values[1])).mean()


def temperature_loss(log_temperature: Tensor, log_prob: Tensor, target_entropy: float) -> Tensor:
    """Return −E[log α·(log π(a|s) + target entropy)]; its gradient raises α while the entropy is below target."""
    return -(log_temperature * (log_prob.detach() + target_entropy)).mean()
