"""Ring buffer of control steps in their order, from which sequences are drawn: for learners with memory."""

from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import Tensor

from sim2real.training.device import here, placed
from sim2real.training.memory import State


@dataclass(frozen=True)
class Sequences:
    """Drawn sequences: L steps of B environments; the next state is that of the very episode, also at its end."""

    inputs: Tensor
    """What critics see before each step, raw, (L, B, I)."""
    action: Tensor
    """(L, B, A)"""
    reward: Tensor
    """(L, B)"""
    discount: Tensor
    """Discount of the successor's value, (L, B); 0 after a terminal state."""
    next_inputs: Tensor
    """What critics see after each step, (L, B, I)."""
    ended: Tensor
    """Whether an episode ended with the step, (L, B) bool: the next step is of another one."""
    kept: Tensor
    """Whether it is a step at all, (L, B) bool; see `Transition.skipped`."""
    states: tuple[State, ...]
    """What each network remembered before the first step, (B, H) each."""

    def part(self, begin: int) -> "Sequences":
        """Return the steps from `begin` on, without states."""
        return Sequences(
            self.inputs[begin:],
            self.action[begin:],
            self.reward[begin:],
            self.discount[begin:],
            self.next_inputs[begin:],
            self.ended[begin:],
            self.kept[begin:],
            states=(),
        )


class SequenceReplay:
    """The last steps of n environments, a row a step and environment.

    Args:
        capacity: Steps, summed over environments.
        num_envs: n
        inputs: I
        action_size: A
        shapes: Shapes of what each network remembers, (1, H) each.
    """

    def __init__(
        self,
        capacity: int,
        num_envs: int,
        inputs: int,
        action_size: int,
        shapes: tuple[tuple[tuple[int, ...], ...], ...],
    ) -> None:
        self._slots: Final = capacity // num_envs
        self._states: Final = [[shape[1] for shape in network] for network in shapes]
        remembered = [width for network in self._states for width in network]
        self._sizes: Final = [inputs, action_size, 1, 1, inputs, 1, 1, *remembered]
        self._rows: Final = torch.zeros(self._slots, num_envs, sum(self._sizes), device=here())
        self._position = 0
        self._size = 0

    def __len__(self) -> int:
        """Return the steps of each environment."""
        return self._size

    def add(self, parts: list[Tensor], states: tuple[State, ...]) -> None:
        """Store a step of all environments; the oldest is overwritten.

        Args:
            parts: Inputs, action, reward, discount, next inputs, ended, kept: (n, width) or (n,) each.
            states: What each network remembered before it, (n, H) each.
        """
        several = [*parts, *(part for state in states for part in state)]
        columns = [placed(part if part.dim() == 2 else part.unsqueeze(-1)) for part in several]
        torch.cat([column.to(torch.float32) for column in columns], dim=-1, out=self._rows[self._position])
        self._position = (self._position + 1) % self._slots
        self._size = min(self._size + 1, self._slots)

    def sample(self, count: int, length: int, generator: torch.Generator) -> Sequences:
        """Draw `count` sequences of `length` steps uniformly, with replacement; there have to be that many steps."""
        oldest = self._position if self._size == self._slots else 0
        begin = torch.randint(self._size - length + 1, (count,), generator=generator)
        environment = torch.randint(self._rows.shape[1], (count,), generator=generator)
        slots = (begin + torch.arange(length).unsqueeze(-1) + oldest) % self._slots
        parts = torch.split(self._rows[placed(slots), placed(environment)], self._sizes, dim=-1)
        inputs, action, reward, discount, next_inputs, ended, kept, *remembered = parts
        first = iter(part[0] for part in remembered)
        return Sequences(
            inputs,
            action,
            reward.squeeze(-1),
            discount.squeeze(-1),
            next_inputs,
            ended.squeeze(-1) > 0.0,
            kept.squeeze(-1) > 0.0,
            tuple(tuple(next(first) for _ in network) for network in self._states),
        )

    def state(self) -> dict[str, Any]:
        """Return the stored rows and the position of the ring."""
        return {"rows": self._rows[: self._size].clone(), "position": self._position}

    def restore(self, state: dict[str, Any]) -> None:
        """Restore what `state` of a buffer of the same capacity returned."""
        rows: Tensor = state["rows"]
        self._size = rows.shape[0]
        self._rows[: self._size] = rows
        self._position = int(state["position"])
