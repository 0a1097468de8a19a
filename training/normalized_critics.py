"""Action-value networks with batch renormalisation before every layer, as CrossQ has them (Bhatt et al. 2024)."""

from collections.abc import Callable
from functools import partial
from typing import Final

import torch
from torch import Tensor, nn

from sim2real.configs.schema.off_policy import SacConfig
from sim2real.training import team
from sim2real.training.batch_renormalization import BatchRenormalization, Bounds
from sim2real.training.critics import Critics


class NormalizedCritics(Critics):
    """Twin action-value networks whose layers see normalised rows.

    Args:
        inputs: O + P + A, width of a state and an action.
        config: Source of the layers and of their normalisation; it has a block `normalized_critic`.
        generator: Random numbers of the initial weights.
    """

    batches: Tensor

    def __init__(self, inputs: int, config: SacConfig, generator: torch.Generator) -> None:
        normalized = config.normalized_critic
        assert normalized is not None  # noqa: S101 - asked for with it alone
        hidden = config.hidden if normalized.hidden is None else normalized.hidden
        super().__init__(inputs, hidden, config.activation, generator)
        self.normalizations = nn.ModuleList(
            BatchRenormalization(self.count, width, normalized.momentum) for width in (inputs, *hidden)
        )
        self._bounds: Final = Bounds(normalized.scale_max, normalized.shift_max)
        self._renormalize_after: Final = normalized.renormalize_after
        self.register_buffer("batches", torch.zeros((), dtype=torch.int64))

    def forward(self, state: Tensor, action: Tensor) -> Tensor:
        """Return the values of each row, with the running moments: (n, O + P) and (n, A) to (K, n)."""
        return self._through(torch.cat((state, action), dim=-1), [layer.forward for layer in self._layers])

    def jointly(
        self, pair: tuple[Tensor, Tensor], following: tuple[Tensor, Tensor], counted: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return the values of states and of their successors, (K, n) each, normalised by the moments of both.

        Actions of the successors are the policy's, those of the states are the buffer's: the moments of one are not
        those of the other, and each batch alone would hide the difference. The running moments take this batch in.

        Args:
            pair: States, (n, O + P), and actions, (n, A).
            following: Their successors with actions, alike.
            counted: Which of both, one after the other, count in the moments, (2n,), 0 or 1.
        """
        rows = torch.cat([torch.cat((one, other)) for one, other in zip(pair, following, strict=True)], dim=-1)
        share = (counted / team.summed(counted.sum())).unsqueeze(0)
        bounds = self._bounds if int(self.batches) >= self._renormalize_after else None
        self.batches += 1
        values = self._through(rows, [partial(layer.learn, share=share, bounds=bounds) for layer in self._layers])
        here, there = values.chunk(2, dim=1)
        return here, there

    @property
    def _layers(self) -> list[BatchRenormalization]:
        return [layer for layer in self.normalizations if isinstance(layer, BatchRenormalization)]

    def _through(self, rows: Tensor, normalize: list[Callable[[Tensor], Tensor]]) -> Tensor:
        value, last = rows.expand(self.count, -1, -1), len(normalize) - 1
        for index, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            value = torch.baddbmm(bias, normalize[index](value), weight)
            if index < last:
                value = self._activation(value)
        return value.squeeze(-1)
