"""Normalisation of value targets to unit scale that preserves the outputs of the value network (PopArt)."""

import torch
from torch import Tensor, nn

from sim2real.training.normalizer import RunningMoments

_STD_MIN = 1e-4  # nearly constant returns are not amplified to unit scale


class ValueScale(nn.Module):
    """V = mean + std·network, with mean and std of all returns so far (van Hasselt et al. 2016).

    When the moments change, the network's last layer is rescaled so that V of every state is unchanged.

    Args:
        half_life: As of `RunningMoments`.
    """

    def __init__(self, half_life: float | None = None) -> None:
        super().__init__()
        self.moments = RunningMoments(1, half_life)

    @property
    def _std(self) -> Tensor:
        return self.moments.std.clamp(min=_STD_MIN) if self.moments.count > 0 else torch.ones_like(self.moments.mean)

    def update(self, returns: Tensor, head: nn.Linear) -> None:
        """Update the moments from returns, (n,), and rescale the value network's last layer."""
        old_mean, old_std = self.moments.mean.clone(), self._std.clone()
        self.moments.update(returns.unsqueeze(-1))
        with torch.no_grad():
            head.weight.mul_((old_std / self._std).float())
            head.bias.copy_((old_std * head.bias + old_mean - self.moments.mean) / self._std)

    def denormalized(self, output: Tensor) -> Tensor:
        """Return values in units of reward, (n,), for network outputs."""
        return output * self._std.float() + self.moments.mean.float()

    def normalized(self, value: Tensor) -> Tensor:
        """Return network outputs, (n,), for values in units of reward."""
        return (value - self.moments.mean.float()) / self._std.float()
