"""Ring buffer of transitions, from which batches are drawn uniformly."""

from typing import Any, Final

import torch
from torch import Tensor

from sim2real.training.device import here, placed
from sim2real.training.environment_interface import Floats


class TransitionBatch:
    """Transitions drawn from the buffer, as views of one gathered block."""

    def __init__(self, rows: Tensor, inputs: int, action_size: int, costs: int = 0) -> None:
        parts = torch.split(rows, [inputs, action_size, 1, costs, 1, inputs], dim=-1)
        self.inputs, self.action, reward, self.costs, discount, self.next_inputs = parts
        self.reward = reward.squeeze(-1)
        """Rewards, or discounted sums of them over the steps of a transition, (n,)."""
        self.discount = discount.squeeze(-1)
        """Discount of the successor's value, (n,): γ per step; 0 after a terminal state, but not at a time limit."""


class ReplayBuffer:
    """The last `capacity` transitions, one row each, so that drawing a batch is one gather.

    A transition takes 4·(2·(O + P) + A + C + 2) bytes: a critic's inputs, O observation values and P privileged ones,
    are stored raw, before and after it, because the moments that normalise them change.

    Args:
        capacity: Transitions.
        inputs: O + P
        action_size: A
        costs: C
    """

    def __init__(self, capacity: int, inputs: int, action_size: int, costs: int = 0) -> None:
        self.capacity: Final = capacity
        self.inputs: Final = inputs
        self.action_size: Final = action_size
        self._costs: Final = costs
        self._rows = torch.zeros(capacity, 2 * inputs + action_size + costs + 2, device=here())
        self._position = 0
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def add(self, rows: Floats) -> None:
        """Store transitions, rows of `NStepTransitions`; the oldest are overwritten.

        Raises:
            ValueError: The buffer holds fewer.
        """
        n = len(rows)
        if n > self.capacity:
            raise ValueError(f"{n} transitions of one step do not fit a replay buffer of {self.capacity}")
        first = min(n, self.capacity - self._position)
        begin = self._position
        self._rows[begin : begin + first].copy_(torch.from_numpy(rows[:first]))
        self._rows[: n - first].copy_(torch.from_numpy(rows[first:]))
        self._position = (self._position + n) % self.capacity
        self._size = min(self._size + n, self.capacity)

    def sample(self, count: int, generator: torch.Generator) -> TransitionBatch:
        """Draw `count` transitions uniformly, with replacement."""
        return self.batch_of(placed(torch.randint(self._size, (count,), generator=generator)))

    def batch_of(self, index: Tensor) -> TransitionBatch:
        """Return the transitions at given places of the ring."""
        return TransitionBatch(self._rows.index_select(0, index), self.inputs, self.action_size, self._costs)

    def state(self) -> dict[str, Any]:
        """Return the stored rows and the position of the ring."""
        return {"rows": self._rows[: self._size].clone(), "position": self._position}

    def restore(self, state: dict[str, Any]) -> None:
        """Restore what `state` of a buffer of the same capacity returned."""
        rows: Tensor = state["rows"]
        self._size = rows.shape[0]
        self._rows[: self._size] = rows
        self._position = int(state["position"])
