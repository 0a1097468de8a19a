"""Ring buffer of transitions with true next observations and terminations (without truncations)."""

from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from sim2real.training.environment_interface import Floats, Transition


class TransitionBatch:
    """Transitions drawn from the buffer, as views of one gathered block."""

    def __init__(self, rows: Tensor, inputs: int, action_size: int) -> None:
        parts = torch.split(rows, [inputs, action_size, 1, 1, inputs], dim=-1)
        self.inputs, self.action, reward, terminated, self.next_inputs = parts
        self.reward = reward.squeeze(-1)
        self.terminated = terminated.squeeze(-1)
        """1 where the step ended in a terminal state, else 0; truncation is 0."""


class ReplayBuffer:
    """The last `capacity` transitions, one row each, so that drawing a batch is one gather.

    A transition takes 4·(2·(O + P) + A + 2) bytes: a critic's inputs, O observation values and P privileged ones, are
    stored raw, before and after the step, because the moments that normalise them change.
    """

    def __init__(self, capacity: int, observation_size: int, action_size: int, privileged_size: int = 0) -> None:
        self.capacity: Final = capacity
        self.observation_size: Final = observation_size
        self.inputs: Final = observation_size + privileged_size
        self.action_size: Final = action_size
        self._rows = torch.zeros(capacity, 2 * self.inputs + action_size + 2)
        self._position = 0
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def add(self, inputs: Floats, action: Floats, transition: Transition) -> None:
        """Store one step of n environments, without skipped rows; the oldest rows are overwritten.

        Args:
            inputs: Observations and privileged values before the step, (n, O + P).
            action: Actions, (n, A).
            transition: Result of the step.

        Raises:
            ValueError: The buffer holds fewer than n transitions.
        """
        kept = slice(None) if transition.skipped is None else ~transition.skipped
        inputs, action = inputs[kept], action[kept]
        n = inputs.shape[0]
        if n > self.capacity:
            raise ValueError(f"{n} environments do not fit a replay buffer of {self.capacity}")
        i, a = self.inputs, self.action_size
        successor = i + a + 2
        index = (np.arange(n) + self._position) % self.capacity
        rows = self._rows.numpy()
        rows[index, :i] = inputs
        rows[index, i : i + a] = action
        rows[index, i + a] = transition.reward[kept]
        rows[index, i + a + 1] = transition.terminated[kept]
        rows[index, successor : successor + self.observation_size] = transition.final_observation[kept]
        rows[index, successor + self.observation_size :] = transition.final_privileged[kept]
        self._position = (self._position + n) % self.capacity
        self._size = min(self._size + n, self.capacity)

    def sample(self, count: int, generator: torch.Generator) -> TransitionBatch:
        """Draw `count` transitions uniformly, with replacement."""
        index = torch.randint(self._size, (count,), generator=generator)
        return TransitionBatch(self._rows.index_select(0, index), self.inputs, self.action_size)

    def state(self) -> dict[str, Any]:
        """Return the stored rows and the position of the ring."""
        return {"rows": self._rows[: self._size].clone(), "position": self._position}

    def restore(self, state: dict[str, Any]) -> None:
        """Restore what `state` of a buffer of the same capacity returned."""
        rows: Tensor = state["rows"]
        self._size = rows.shape[0]
        self._rows[: self._size] = rows
        self._position = int(state["position"])
