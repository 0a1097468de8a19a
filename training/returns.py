"""Generalised advantage estimation (Schulman et al. 2016) with termination and truncation kept apart."""

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

    s'_t is the true successor: where an episode was truncated it is that episode's final observation, not the first one
    of the next episode. A terminated step has no successor value; an ended episode (either way) passes nothing back.

    Args:
        reward: (T, n).
        value: (T, n), V(s_t).
        next_value: (T, n), V(s'_t).
        terminated: (T, n) bool.
        ended: (T, n) bool, terminated or truncated.
        discount: γ.
        gae_lambda: λ.

    Returns:
        (T, n); added to `value` they are the targets of the value function.
    """
    delta = torch.addcmul(reward - value, next_value, (~terminated).to(reward.dtype), value=discount)
    carry = (~ended).to(reward.dtype) * (discount * gae_lambda)
    advantage = torch.empty_like(delta)
    following = torch.zeros_like(delta[0])
    for step in range(delta.shape[0] - 1, -1, -1):
        following = torch.addcmul(delta[step], carry[step], following, out=advantage[step])
    return advantage
