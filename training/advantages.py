"""Advantages of rollouts, generalised or n-step, that distinguish termination and truncation."""

from typing import Protocol

import torch
from torch import Tensor


class Estimator(Protocol):
    """Estimates the advantages of a rollout, (T, n)."""

    def __call__(self, reward: Tensor, value: Tensor, next_value: Tensor, terminated: Tensor, ended: Tensor) -> Tensor:
        """Return advantages; arguments as of `generalized_advantages`."""


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


def n_step_advantages(
    reward: Tensor,
    value: Tensor,
    next_value: Tensor,
    terminated: Tensor,
    ended: Tensor,
    *,
    discount: float,
    steps: int,
) -> Tensor:
    """Return the n-step advantages of a rollout (Sutton & Barto 2018, section 7.1).

        A_t = r_t + γ·r_{t+1} + … + γ^{n−1}·r_{t+n−1} + γⁿ·V(s_{t+n}) − V(s_t)

    There are fewer rewards before the end of an episode or of the rollout; the value that follows is that of the true
    successor there, and none after a terminated step.

    Args:
        reward: (T, n).
        value: (T, n), V(s_t).
        next_value: (T, n), V(s'_t).
        terminated: (T, n) bool.
        ended: (T, n) bool, terminated or truncated.
        discount: γ.
        steps: n.
    """
    successor = next_value * (~terminated).to(reward.dtype)
    going = ~ended[:-1]
    total = torch.addcmul(reward, successor, torch.ones_like(reward), value=discount)
    for _ in range(min(steps, len(reward)) - 1):
        longer = reward[:-1] + discount * total[1:]
        total = torch.cat((torch.where(going, longer, total[:-1]), total[-1:]))
    return total - value
