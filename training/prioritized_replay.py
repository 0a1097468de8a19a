"""Prioritised replay: transitions that surprise are drawn more often (Schaul et al. 2016)."""

from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from sim2real.training.device import from_array
from sim2real.training.environment_interface import Floats
from sim2real.training.replay_buffer import ReplayBuffer, TransitionBatch
from sim2real.training.sum_tree import SumTree

_PRIORITY_MIN: Final = 1e-6
"""Added to |δ|, so that no transition is never drawn again (ε of the paper's proportional variant)."""


class PrioritizedReplay(ReplayBuffer):
    """Draws transition i with P(i) = pᵢ^α / Σ pₖ^α, pᵢ = |δᵢ| + ε; what is new has the largest priority so far.

    Args:
        capacity: Transitions.
        inputs: O + P
        action_size: A
        exponent: α: 0 is uniform.
        costs: C
    """

    def __init__(self, capacity: int, inputs: int, action_size: int, exponent: float, costs: int = 0) -> None:
        super().__init__(capacity, inputs, action_size, costs)
        self._exponent: Final = exponent
        self._tree: Final = SumTree(capacity)
        self._largest = 1.0  # of p^α
        self.drawn: np.ndarray[Any, np.dtype[np.int64]] = np.zeros(0, np.int64)
        """Places of the transitions drawn last, (n,)."""

    def add(self, rows: Floats) -> None:
        """Store transitions; they are drawn at least once soon."""
        places = (np.arange(len(rows)) + self._position) % self.capacity
        super().add(rows)
        self._tree.set(places, np.full(len(rows), self._largest))

    def sample(self, count: int, generator: torch.Generator) -> TransitionBatch:
        """Draw `count` transitions, one of each of as many equal parts of the total priority."""
        share = torch.rand(count, generator=generator, dtype=torch.float64).numpy()
        self.drawn = self._tree.find((np.arange(count) + share) * (self._tree.total / count))
        return self.batch_of(from_array(self.drawn))

    def probabilities(self) -> Tensor:
        """Return P(i) of the transitions drawn last, (n,)."""
        return from_array(self._tree.weights(self.drawn) / self._tree.total).float()

    def importance(self, exponent: float) -> Tensor:
        """Return the weights of the transitions drawn last, (n,): (N·P(i))^−β, divided by the largest of them.

        Args:
            exponent: β: 1 corrects the drawing fully.
        """
        weights = (len(self) * self.probabilities()).pow(-exponent)
        return weights / weights.max()

    def learned(self, errors: Tensor) -> None:
        """Set the priorities of the transitions drawn last by their errors δ, (n,)."""
        priorities = (errors.double().abs().cpu().numpy() + _PRIORITY_MIN) ** self._exponent
        self._largest = max(self._largest, float(priorities.max()))
        self._tree.set(self.drawn, priorities)

    def state(self) -> dict[str, Any]:
        """Return rows, position and priorities."""
        weights = self._tree.weights(np.arange(len(self), dtype=np.int64))
        return super().state() | {"weights": weights, "largest": self._largest}

    def restore(self, state: dict[str, Any]) -> None:
        """Restore what `state` returned."""
        super().restore(state)
        self._tree.set(np.arange(len(self), dtype=np.int64), state["weights"])
        self._largest = float(state["largest"])
