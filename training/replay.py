"""A ring of past transitions, with the true next observation, and terminations apart from truncations."""

from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from sim2real.training.environment import Floats, Transition


class Batch:
    """Rows drawn from the replay: views of one gathered block."""

    def __init__(self, rows: Tensor, observation_size: int, action_size: int) -> None:
        sizes = (observation_size, action_size, 1, 1, observation_size)
        parts = torch.split(rows, list(sizes), dim=-1)
        self.observation, self.action, reward, terminated, self.next_observation = parts
        self.reward = reward.squeeze(-1)
        self.terminated = terminated.squeeze(-1)
        """1 where the step ended in a state without a future; 0 also where the episode was only truncated."""


class Replay:
    """The last `capacity` transitions, in one table: a transition is a row, so drawing a batch is one gather."""

    def __init__(self, capacity: int, observation_size: int, action_size: int) -> None:
        self.capacity: Final = capacity
        self.observation_size: Final = observation_size
        self.action_size: Final = action_size
        width = 2 * observation_size + action_size + 2
        self._rows = torch.zeros(capacity, width)
        self._position = 0
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def add(self, observation: Floats, action: Floats, transition: Transition) -> None:
        """Store one step of n environments; the oldest rows are overwritten."""
        n = observation.shape[0]
        if n > self.capacity:
            raise ValueError(f"{n} environments do not fit a replay of {self.capacity}")
        o, a = self.observation_size, self.action_size
        index = (np.arange(n) + self._position) % self.capacity
        rows = self._rows.numpy()
        rows[index, :o] = observation
        rows[index, o : o + a] = action
        rows[index, o + a] = transition.reward
        rows[index, o + a + 1] = transition.terminated
        rows[index, o + a + 2 :] = transition.final_observation
        self._position = (self._position + n) % self.capacity
        self._size = min(self._size + n, self.capacity)

    def sample(self, count: int, generator: torch.Generator) -> Batch:
        """Draw `count` transitions uniformly, with replacement."""
        index = torch.randint(self._size, (count,), generator=generator)
        return Batch(self._rows.index_select(0, index), self.observation_size, self.action_size)

    def state(self) -> dict[str, Any]:
        """Return the stored rows and the position of the ring."""
        return {"rows": self._rows[: self._size].clone(), "position": self._position}

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from a state of a replay of the same capacity."""
        rows: Tensor = state["rows"]
        self._size = rows.shape[0]
        self._rows[: self._size] = rows
        self._position = int(state["position"])
