"""A batch of transitions that several processes draw together: each has the rows of its own environments.

All processes draw the same numbers, so that together they learn from the batch that one process with all environments
would draw, in which the transitions of one control step stand side by side. Alone, everything is drawn as it ever was.
"""

from typing import Final

import torch
from torch import Tensor

from sim2real.training import team
from sim2real.training.device import placed
from sim2real.training.replay_buffer import ReplayBuffer, TransitionBatch


class SharedBatch:
    """Draws batches, and what random numbers their rows need.

    Args:
        size: Transitions of a batch, of all processes.
        environments: Environments of this process.
        generator: Random numbers; in the same state in all processes.
    """

    def __init__(self, size: int, environments: int, generator: torch.Generator) -> None:
        self._size: Final = size
        self._environments: Final = environments
        self._generator: Final = generator
        self._mine: Tensor | None = None
        self.weight = 1.0
        """Share of the last batch that this process has, by which its mean gradients count."""
        self.leading = size // 2
        """Rows of the last batch that this process has of the first half of everybody's."""

    def draw(self, replay: ReplayBuffer, stored: int) -> TransitionBatch:
        """Return this process' part of a batch; with a weight of 0, some row where it has none.

        Args:
            replay: Transitions of this process.
            stored: How many of them every process has.
        """
        if team.size() == 1:
            return replay.sample(self._size, self._generator)
        n = self._environments
        drawn = torch.randint(stored * team.size(), (self._size,), generator=self._generator)
        step, environment = drawn // (n * team.size()), drawn % (n * team.size())
        mine = (environment // n == team.rank()).nonzero().squeeze(-1)
        self.weight = len(mine) / self._size
        self.leading = int((mine < self._size // 2).sum())
        self._mine = mine if len(mine) else torch.zeros(1, dtype=torch.int64)
        return replay.batch_of(placed((step * n + environment % n)[self._mine]))

    def noise(self, like: Tensor) -> Tensor:
        """Return standard normal numbers, (k, A), for the k rows of the last batch."""
        if self._mine is None:
            return placed(torch.randn(like.shape, generator=self._generator))
        return placed(torch.randn((self._size, like.shape[-1]), generator=self._generator)[self._mine])
