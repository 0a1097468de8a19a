"""Running mean and variance of observations, part of the model and of the exported graph."""

from typing import Final

import torch
from torch import Tensor, nn

from sim2real.training import team
from sim2real.training.environment_interface import Flags

STD_FLOOR: Final = 0.01
"""Added to the standard deviation, so that a nearly constant value is not amplified when it changes. The output is not
clipped: a clip would turn a non-finite reading into a plausible one."""


class RunningMoments(nn.Module):
    """Mean and population variance of a stream of rows, updated batch by batch (Chan, Golub, LeVeque 1979).

    Args:
        size: Width of a row.
        half_life: Number of rows after which a row counts half; None: all rows count alike.
    """

    count: Tensor
    mean: Tensor
    variance: Tensor

    def __init__(self, size: int, half_life: float | None = None) -> None:
        super().__init__()
        self._half_life: Final = half_life
        self.register_buffer("count", torch.zeros((), dtype=torch.float64))
        self.register_buffer("mean", torch.zeros(size, dtype=torch.float64))
        self.register_buffer("variance", torch.ones(size, dtype=torch.float64))

    @torch.no_grad()
    def update(self, rows: Tensor, weight: float = 1.0) -> None:
        """Merge rows, (n, size), into the moments, in double precision; each counts as `weight` rows."""
        rows = rows.double()
        count, mean, spread = _of_all(rows)
        count *= weight
        kept = self.count if self._half_life is None else self.count * 0.5 ** (count / self._half_life)
        total = kept + count
        delta = mean - self.mean
        share = count / total
        within = self.variance * (1.0 - share) + spread * share
        self.variance.copy_(within + delta.square() * (share * (1.0 - share)))
        self.mean.add_(delta * share)
        self.count.copy_(total)

    @property
    def std(self) -> Tensor:
        """Standard deviation, (size,), in double precision."""
        return self.variance.sqrt()


def _of_all(rows: Tensor) -> tuple[float, Tensor, Tensor]:
    """Return number, mean and population variance of the rows of all processes that learn together."""
    if team.size() == 1:
        mean = rows.mean(0)
        return rows.shape[0], mean, (rows - mean).square().mean(0)
    count = float(team.summed(torch.tensor(float(rows.shape[0]), dtype=torch.float64)))
    mean = team.summed(rows.sum(0)) / count
    return count, mean, team.summed((rows - mean).square().sum(0)) / count


class Normalizer(nn.Module):
    """(x − mean) / (std + STD_FLOOR) with running moments; the identity before the first update.

    Args:
        size: Width of a row.
        half_life: As of `RunningMoments`.
        scaled: Which values come scaled and pass as they are, (size,); None for none.
    """

    shift: Tensor
    factor: Tensor

    def __init__(self, size: int, half_life: float | None = None, scaled: Flags | None = None) -> None:
        super().__init__()
        self.moments = RunningMoments(size, half_life)
        self._scaled: Tensor | None
        self.register_buffer("_scaled", None if scaled is None else torch.from_numpy(scaled), persistent=False)
        self.register_buffer("shift", torch.zeros(size))
        self.register_buffer("factor", torch.ones(size))

    def leave(self, scaled: Flags) -> None:
        """Let values that come scaled pass as they are from the next update on, (size,)."""
        self._scaled = torch.from_numpy(scaled).to(self.shift.device)

    def update(self, rows: Tensor, weight: float = 1.0) -> None:
        """Update the moments from raw observations, (n, size); takes effect at once. See `RunningMoments.update`."""
        self.moments.update(rows, weight)
        self.shift.copy_(self.moments.mean)
        self.factor.copy_(1.0 / (self.moments.std + STD_FLOOR))
        if self._scaled is not None:
            self.shift.masked_fill_(self._scaled, 0.0)
            self.factor.masked_fill_(self._scaled, 1.0)

    def forward(self, rows: Tensor) -> Tensor:
        """Return normalised observations, (n, size)."""
        return (rows - self.shift) * self.factor
