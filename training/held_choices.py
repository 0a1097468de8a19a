"""Random choices that are held for several steps: temporally extended ε-greedy exploration (Dabney et al. 2021)."""

from typing import Final

import torch
from torch import Tensor, nn

from sim2real.training.device import from_array, placed
from sim2real.training.environment_interface import Flags


class HeldChoices(nn.Module):
    """With probability ε an environment begins a random choice, which it then holds for 1 to `longest` steps.

    A random choice at every step hardly moves what is heavy or slow; one that is held does. With `longest` 1 this is
    plain ε-greedy exploration. Durations are uniform. No choice is held beyond the end of an episode.

    Args:
        environments: n
        choices: K
        longest: Most steps of a random choice.
    """

    held: Tensor
    left: Tensor

    def __init__(self, environments: int, choices: int, longest: int) -> None:
        super().__init__()
        self._choices: Final = choices
        self._longest: Final = longest
        self.register_buffer("held", torch.zeros(environments, dtype=torch.int64))
        self.register_buffer("left", torch.zeros(environments, dtype=torch.int64))

    def explore(self, best: Tensor, epsilon: float, generator: torch.Generator) -> Tensor:
        """Return the choices of this step, (n,), in place of the best ones, (n,)."""
        random = placed(torch.randint(self._choices, best.shape, generator=generator))
        begins = (placed(torch.rand(best.shape, generator=generator)) < epsilon) & (self.left == 0)
        self.held.copy_(torch.where(begins, random, self.held))
        duration = torch.ones_like(self.left)
        if self._longest > 1:
            duration = placed(torch.randint(1, self._longest + 1, best.shape, generator=generator))
        self.left.copy_(torch.where(begins, duration, self.left))
        taken = torch.where(self.left > 0, self.held, best)
        self.left.sub_(1).clamp_(min=0)
        return taken

    def end(self, ended: Flags) -> None:
        """Let go in environments whose episode ended, (n,)."""
        self.left.masked_fill_(from_array(ended), 0)
