"""Batch renormalisation (Ioffe 2017): rows in units of their batch, moved to those of the running moments.

    x̂ = (x − μ_B)/σ_B,   y = γ·(x̂·r + d) + β
    r = σ_B/σ within 1/r_max … r_max,   d = (μ_B − μ)/σ within ±d_max; no gradient passes through either

μ_B and σ_B are the moments of the batch, μ and σ the running ones. Within the bounds y is γ·(x − μ)/σ + β, what the
network computes later with the running moments alone. With r = 1 and d = 0 it is batch normalisation (Ioffe & Szegedy
2015).
"""

from typing import Any, Final, NamedTuple

import torch
from torch import Tensor, nn

from sim2real.training import team

VARIANCE_FLOOR: Final = 1e-3
"""Added to variances, so that a constant column is not divided by zero; of the authors of CrossQ."""


class Bounds(NamedTuple):
    """Bounds of a renormalisation."""

    scale: float
    """r_max"""
    shift: float
    """d_max"""


class BatchRenormalization(nn.Module):
    """Batch renormalisation of K networks side by side.

    Args:
        count: K
        width: W
        momentum: Share of the running moments that stays at each batch.
    """

    mean: Tensor
    variance: Tensor

    def __init__(self, count: int, width: int, momentum: float) -> None:
        super().__init__()
        self._momentum: Final = momentum
        self.scale = nn.Parameter(torch.ones(count, 1, width))
        self.shift = nn.Parameter(torch.zeros(count, 1, width))
        self.register_buffer("mean", torch.zeros(count, 1, width))
        self.register_buffer("variance", torch.ones(count, 1, width))

    def forward(self, rows: Tensor) -> Tensor:
        """Return rows, (K, n, W), normalised by the running moments."""
        scale = self.scale * torch.rsqrt(self.variance + VARIANCE_FLOOR)
        return torch.addcmul(self.shift - self.mean * scale, rows, scale)

    def learn(self, rows: Tensor, share: Tensor, bounds: Bounds | None) -> Tensor:
        """Return rows of a batch normalised, (K, n, W), and take its moments into the running ones.

        Processes that learn together have the moments of all their rows; each of them has to call this.

        Args:
            rows: Rows of this process, (K, n, W).
            share: Share of each row in the moments, (1, n); 0 for one that does not count. 1 in all, over all
                processes.
            bounds: Of the renormalisation; None: none, r = 1 and d = 0.
        """
        with torch.no_grad():
            mean = team.summed(share @ rows)
            centred = rows - mean
            variance = team.summed(share @ centred.square())
            std = (variance + VARIANCE_FLOOR).sqrt_()
            move = None if bounds is None else self._move(mean, std, bounds)
            self.mean.lerp_(mean, 1.0 - self._momentum)
            self.variance.lerp_(variance, 1.0 - self._momentum)
        normalized: Tensor = _Renormalized.apply(rows, self.scale, self.shift, centred, std, share, move)  # type: ignore[no-untyped-call]
        return normalized

    def _move(self, mean: Tensor, std: Tensor, bounds: Bounds) -> tuple[Tensor, Tensor]:
        """Return r and d."""
        running = (self.variance + VARIANCE_FLOOR).sqrt()
        scale = (std / running).clamp(1.0 / bounds.scale, bounds.scale)
        shift = ((mean - self.mean) / running).clamp(-bounds.shift, bounds.shift)
        return scale, shift


class _Renormalized(torch.autograd.Function):
    """γ·(x̂·r + d) + β, differentiated by hand, as the moments may be of several processes.

    With g = ∂L/∂x̂ and p the rows' shares: ∂L/∂x = (g − p·(Σ g + x̂·Σ g·x̂))/σ_B; the sums are over all rows.
    """

    @staticmethod
    def forward(
        ctx: Any,  # noqa: ANN401 - torch's
        rows: Tensor,
        scale: Tensor,
        shift: Tensor,
        centred: Tensor,
        std: Tensor,
        share: Tensor,
        move: tuple[Tensor, Tensor] | None,
    ) -> Tensor:
        standard = centred.div_(std)
        ctx.save_for_backward(standard, std, share, scale, *(move or ()))
        if move is None:
            return torch.addcmul(shift, standard, scale)
        return torch.addcmul(torch.addcmul(shift, scale, move[1]), standard, scale * move[0])

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:  # noqa: ANN401 - torch's
        standard, std, share, scale, *move = ctx.saved_tensors
        (gradient,) = gradients
        total = gradient.sum(1, keepdim=True)
        along = (gradient * standard).sum(1, keepdim=True)
        of_scale = along
        factor = scale
        if move:
            of_scale, factor = along * move[0] + total * move[1], scale * move[0]
        both = team.summed(torch.stack((total, along)))
        of_moments = torch.addcmul(both[0], standard, both[1]).mul_(share.unsqueeze(-1))
        of_rows = (gradient - of_moments).mul_(factor / std)
        return of_rows, of_scale, total, None, None, None, None
