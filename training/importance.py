"""Importance weights of trajectories and of their steps, truncated, and how many samples are left of them."""

import torch
from torch import Tensor


def importance_weights(log_ratio: Tensor, weight_max: float) -> tuple[Tensor, Tensor]:
    """Return the weights of whole trajectories, (n,), and those up to each step, (T, n), cut to `weight_max`.

    w = Π r over the whole trajectory, w_t = Π_{k≤t} r_k. Truncation bounds the variance of an estimate for a bias that
    vanishes as the bound grows (Ionides 2008).

    Args:
        log_ratio: log π(a|s) − log π_old(a|s), (T, n); 0 after the end of a trajectory.
        weight_max: Largest weight.
    """
    step = torch.exp(log_ratio.cumsum(0)).clamp(max=weight_max)
    return step[-1], step


def effective_share(weight: Tensor) -> float:
    """Return the effective sample size (Σ w)² / Σ w² (Kish 1965) as a share of the n samples, from 1/n to 1.

    Args:
        weight: (n,), not all zero.
    """
    return float(weight.sum().square() / (weight.square().sum() * weight.numel()))
