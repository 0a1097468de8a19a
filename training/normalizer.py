"""Running mean and variance of observations, part of the model and of the exported graph."""

from typing import Final

import torch
from torch import Tensor, nn

STD_FLOOR: Final = 0.01
"""Added to the standard deviation, so that a nearly constant value is not amplified when it changes. The output is not
clipped: a clip would turn a non-finite reading into a plausible one."""


class RunningMoments(nn.Module):
    """Mean and population variance of a stream of rows, updated batch by batch (Chan, Golub, LeVeque 1979)."""

    count: Tensor
    mean: Tensor
    variance: Tensor

    def __init__(self, size: int) -> None:
        super().__init__()
        self.register_buffer("count", torch.zeros((), dtype=torch.float64))
        self.register_buffer("mean", torch.zeros(size, dtype=torch.float64))
        self.register_buffer("variance", torch.ones(size, dtype=torch.float64))

    @torch.no_grad()
    def update(self, rows: Tensor) -> None:
        """Merge rows, (n, size), into the moments, in double precision."""
        rows = rows.double()
        count = rows.shape[0]
        total = self.count + count
        mean = rows.mean(0)
        delta = mean - self.mean
        share = count / total
        within = self.variance * (1.0 - share) + (rows - mean).square().mean(0) * share
        self.variance.copy_(within + delta.square() * (share * (1.0 - share)))
        self.mean.add_(delta * share)
        self.count.copy_(total)

    @property
    def std(self) -> Tensor:
        """Standard deviation, (size,), in double precision."""
        return self.variance.sqrt()


class Normalizer(nn.Module):
    """(x − mean) / (std + STD_FLOOR) with running moments; the identity before the first update."""

    shift: Tensor
    factor: Tensor

    def __init__(self, size: int) -> None:
        super().__init__()
        self.moments = RunningMoments(size)
        self.register_buffer("shift", torch.zeros(size))
        self.register_buffer("factor", torch.ones(size))

    def update(self, rows: Tensor) -> None:
        """Update the moments from raw observations, (n, size); takes effect at once."""
        self.moments.update(rows)
        self.shift.copy_(self.moments.mean)
        self.factor.copy_(1.0 / (self.moments.std + STD_FLOOR))

    def forward(self, rows: Tensor) -> Tensor:
        """Return normalised observations, (n, size)."""
        return (rows - self.shift) * self.factor
