"""Noise on deterministic actions, for exploration."""

import math

import torch
from torch import Tensor, nn

from sim2real.training.device import placed


class ActionNoise(nn.Module):
    """Gaussian noise for each environment and action: ξ' = ρ·ξ + √(1 − ρ²)·σ·n, n ~ N(0, 1).

    σ is its standard deviation at all times, ρ how much of it stays from one control step to the next: ρ = 0 is white
    noise, ρ > 0 the process of Ornstein and Uhlenbeck (1930) in discrete time.

    Args:
        std: σ, in units of the action's range ±1.
        correlation: ρ
        num_envs: N
        action_size: A
    """

    noise: Tensor

    def __init__(self, std: float, correlation: float, num_envs: int, action_size: int) -> None:
        super().__init__()
        self._std, self._correlation = std, correlation
        self.register_buffer("noise", torch.zeros(num_envs, action_size))

    def forward(self, actions: Tensor, generator: torch.Generator) -> Tensor:
        """Return actions, (N, A), with noise, within ±1."""
        fresh = placed(torch.randn(self.noise.shape, generator=generator)) * self._std
        self.noise.mul_(self._correlation).add_(fresh, alpha=math.sqrt(1.0 - self._correlation**2))
        return (actions + self.noise).clamp(-1.0, 1.0)
