"""Generalised advantage estimation (Schulman et al. 2016) that distinguishes termination and truncation."""

import torch
from torch import Tensor


def generalized_advantages(
    reward: Tensor,
    value: Tensor,
    next_value: Tensor,
    terminated: Tensor,
    ended: Tensor,
    *,
    discount: float,
    gae_lambda: float,
) -> Tensor:
    """Return the advantages of a rollout.

        δ_t = r_t + γ·(1 − terminated_t)·V(s'_t) − V(s_t)
        A_t = δ_t + γλ·(1 − ended_t)·A_{t+1}

    s'_t is the true successor: after a truncation, the final observation of that episode, not the first one of the
    next. A terminated step has no successor value. No advantage is carried back across the end of an episode.

    Args:
        reward: (T, n).
        value: (T, n), V(s_t).
        next_value: (T, n), V(s'_t).
        terminated: (T, n) bool.
        ended: (T, n) bool, terminated or truncated.
        discount: γ.
        gae_lambda: λ.

    Returns:
        Advantages, (T, n); added to `value`, they are the targets of the value function.
    """
    delta = torch.addcmul(reward - value, next_value, (~terminated).to(reward.dtype), value=discount)
    carry = (~ended).to(reward.dtype) * (discount * gae_lambda)
    advantage = torch.empty_like(delta)
    following = torch.zeros_like(delta[0])
    for step in range(delta.shape[0] - 1, -1, -1):
        following = torch.addcmul(delta[step], carry[step], following, out=advantage[step])
    return advantage
