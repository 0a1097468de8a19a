"""What a number of steps of every environment came to: preallocated, filled in order, used whole."""

from typing import Final

import torch
from torch import Tensor

from training.environment import Transition


class Rollout:
    """T steps of n environments.

    Observations are stored as the networks see them (normalised). `observation` has T + 1 rows, the last being the one
    to act on next. The final observations of truncated episodes are kept aside: the row after them belongs to the next
    episode.
    """

    def __init__(self, steps: int, environments: int, observation_size: int, action_size: int) -> None:
        self.steps: Final = steps
        self.environments: Final = environments
        self.raw = torch.zeros(steps, environments, observation_size)
        self.observation = torch.zeros(steps + 1, environments, observation_size)
        self.mean = torch.zeros(steps, environments, action_size)
        self.action = torch.zeros(steps, environments, action_size)
        self.reward = torch.zeros(steps, environments)
        self.terminated = torch.zeros(steps, environments, dtype=torch.bool)
        self.ended = torch.zeros(steps, environments, dtype=torch.bool)
        self._final_rows: list[Tensor] = []
        self._final_observations: list[Tensor] = []

    def clear(self) -> None:
        """Forget the final observations of the last rollout; everything else is overwritten."""
        self._final_rows.clear()
        self._final_observations.clear()

    def record(self, step: int, transition: Transition) -> None:
        """Store what step number `step` came to; actions and observations are written by who acts."""
        terminated = torch.from_numpy(transition.terminated)
        truncated = torch.from_numpy(transition.truncated)
        self.reward[step].copy_(torch.from_numpy(transition.reward))
        self.terminated[step].copy_(terminated)
        torch.logical_or(terminated, truncated, out=self.ended[step])
        rows = torch.nonzero(truncated & ~terminated).squeeze(-1)
        if rows.numel():
            self._final_rows.append(rows + step * self.environments)
            self._final_observations.append(torch.from_numpy(transition.final_observation)[rows])

    def final(self) -> tuple[Tensor, Tensor]:
        """Return the truncated steps as indices into the flattened (T·n,) rollout, and their raw final observations."""
        if not self._final_rows:
            return torch.zeros(0, dtype=torch.int64), torch.zeros(0, self.raw.shape[-1])
        return torch.cat(self._final_rows), torch.cat(self._final_observations)
