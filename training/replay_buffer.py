"""Ring buffer of transitions with true next observations and terminations (without truncations)."""

from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from sim2real.training.environment_interface import Floats, Transition


class TransitionBatch:
    """Transitions drawn from the buffer, as views of one gathered block."""

    def __init__(self, rows: Tensor, observation_size: int, action_size: int) -> None:
        sizes = (observation_size, action_size, 1, 1, observation_size)
        parts = torch.split(rows, list(sizes), dim=-1)
        self.observation, self.action, reward, terminated, self.next_observation = parts
        self.reward = reward.squeeze(-1)
        self.terminated = terminated.squeeze(-1)
        """1 where the step ended in a terminal state, else 0; truncation is 0."""


class ReplayBuffer:
    """The last `capacity` transitions, one row each, so that drawing a batch is one gather."""

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
        """Store one step of n environments, without skipped rows; the oldest rows are overwritten."""
        kept = slice(None) if transition.skipped is None else ~transition.skipped
        observation, action = observation[kept], action[kept]
        n = observation.shape[0]
        if n > self.capacity:
            raise ValueError(f"{n} environments do not fit a replay buffer of {self.capacity}")
        o, a = self.observation_size, self.action_size
        index = (np.arange(n) + self._position) % self.capacity
        rows = self._rows.numpy()
        rows[index, :o] = observation
        rows[index, o : o + a] = action
        rows[index, o + a] = transition.reward[kept]
        rows[index, o + a + 1] = transition.terminated[kept]
        rows[index, o + a + 2 :] = transition.final_observation[kept]
        self._position = (self._position + n) % self.capacity
        self._size = min(self._size + n, self.capacity)

    def sample(self, count: int, generator: torch.Generator) -> TransitionBatch:
        """Draw `count` transitions uniformly, with replacement."""
        index = torch.randint(self._size, (count,), generator=generator)
        return TransitionBatch(self._rows.index_select(0, index), self.observation_size, self.action_size)

    def state(self) -> dict[str, Any]:
        """Return the stored rows and the position of the ring."""
        return {"rows": self._rows[: self._size].clone(), "position": self._position}

    def restore(self, state: dict[str, Any]) -> None:
        """Restore what `state` of a buffer of the same capacity returned."""
        rows: Tensor = state["rows"]
        self._size = rows.shape[0]
        self._rows[: self._size] = rows
        self._position = int(state["position"])
