"""Losses of PPO: clipped surrogate and value regression; learning rate adapted to the KL divergence."""

from typing import Final

import torch
from torch import Tensor

_RATE_FACTOR: Final = 1.5


def clipped_surrogate(log_prob: Tensor, old_log_prob: Tensor, advantage: Tensor, clip: float) -> tuple[Tensor, Tensor]:
    """Return the loss −E[min(r·A, clip(r, 1−ε, 1+ε)·A)], and the share of samples with a clipped ratio.

    r = π(a|s) / π_old(a|s); Schulman et al. 2017, equation 7. All inputs are (n,).
    """
    ratio = torch.exp(log_prob - old_log_prob)
    clipped = ratio.clamp(1.0 - clip, 1.0 + clip)
    loss = -torch.minimum(ratio * advantage, clipped * advantage).mean()
    return loss, (ratio.detach() != clipped.detach()).float().mean()


def value_loss(value: Tensor, target: Tensor) -> Tensor:
    """Return ½·E[(V − target)²]; without value clipping, which hurts (Andrychowicz et al. 2021)."""
    return 0.5 * (value - target).square().mean()


def adapted_rate(rate: float, divergence: float, target: float, rate_min: float, rate_max: float) -> float:
    """Return the learning rate for a measured KL divergence: lowered above 2·target, raised below target/2.

    This applies the rule of the adaptive penalty (Schulman et al. 2017, section 4) to the step size. A rate above
    `rate_max`, which falls during training, is cut to it before it is lowered. A divergence that is not finite lowers
    it.
    """
    if divergence <= target / 2.0:
        return min(rate * _RATE_FACTOR, rate_max)
    bounded = min(rate, rate_max)
    if divergence <= target * 2.0:
        return bounded
    return max(bounded / _RATE_FACTOR, rate_min)
