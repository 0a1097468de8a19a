"""What a number of steps of every environment came to: preallocated, filled in order, used whole."""

from typing import Final

import torch
from torch import Tensor

from sim2real.training.environment import Transition


class Rollout:
    """T steps of n environments.

    A row is what a critic sees: the observation, O values, and the privileged ones, P, in one row, so that drawing a
    mini-batch is one gather. `raw` holds them as read, `seen` as the networks see them (normalised); `seen` has T + 1
    rows, the last being the one to act on next. The final rows of truncated episodes are kept aside: the row after
    them belongs to the next episode.
    """

    def __init__(
        self, steps: int, environments: int, observation_size: int, action_size: int, privileged_size: int = 0
    ) -> None:
        self.steps: Final = steps
        self.environments: Final = environments
        width = observation_size + privileged_size
        self.raw = torch.zeros(steps, environments, width)
        self.seen = torch.zeros(steps + 1, environments, width)
        self.observation: Final = self.seen[..., :observation_size]
        """(T + 1, n, O): what the policy sees; a view."""
        self.mean = torch.zeros(steps, environments, action_size)
        self.action = torch.zeros(steps, environments, action_size)
        self.reward = torch.zeros(steps, environments)
        self.terminated = torch.zeros(steps, environments, dtype=torch.bool)
        self.ended = torch.zeros(steps, environments, dtype=torch.bool)
        self._final_rows: list[Tensor] = []
        self._final_raw: list[Tensor] = []

    def clear(self) -> None:
        """Forget the final rows of the last rollout; everything else is overwritten."""
        self._final_rows.clear()
        self._final_raw.clear()

    def record(self, step: int, transition: Transition) -> None:
        """Store what step number `step` came to; actions and what was seen are written by who acts."""
        terminated = torch.from_numpy(transition.terminated)
        truncated = torch.from_numpy(transition.truncated)
        self.reward[step].copy_(torch.from_numpy(transition.reward))
        self.terminated[step].copy_(terminated)
        torch.logical_or(terminated, truncated, out=self.ended[step])
        rows = torch.nonzero(truncated & ~terminated).squeeze(-1)
        if rows.numel():
            self._final_rows.append(rows + step * self.environments)
            finals = transition.final_observation, transition.final_privileged
            self._final_raw.append(torch.cat([torch.from_numpy(final)[rows] for final in finals], dim=-1))

    def final(self) -> tuple[Tensor, Tensor]:
        """Return the truncated steps as indices into the flattened (T·n,) rollout, and their final rows as read."""
        if not self._final_rows:
            return torch.zeros(0, dtype=torch.int64), torch.zeros(0, self.raw.shape[-1])
        return torch.cat(self._final_rows), torch.cat(self._final_raw)
