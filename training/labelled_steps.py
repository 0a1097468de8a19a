"""Ring buffer of observations with the actions that should follow them, step by step, for imitation."""

from typing import Any, Final, NamedTuple, Self

import torch
from torch import Tensor

from sim2real.training.demonstrations.demonstrations import Demonstrations
from sim2real.training.device import here, placed


class LabelledBatch(NamedTuple):
    """Drawn steps: L steps of B sequences, L = 1 without memory."""

    observation: Tensor
    """Raw, (L, B, O)."""
    label: Tensor
    """(L, B, A)"""
    ended: Tensor
    """Whether an episode ended with the step, (L, B) bool: the next one begins without memory."""
    weight: Tensor
    """1 where the step is learned from, 0 where it only brings the memory up to date, (L, B)."""


class LabelledSteps:
    """The last K control steps of m robots; the oldest are overwritten.

    A step takes 4·(O + A) + 2 bytes for each robot.

    Args:
        capacity: K
        tracks: m
        observation_size: O
        action_size: A
    """

    def __init__(self, capacity: int, tracks: int, observation_size: int, action_size: int) -> None:
        self.capacity: Final = capacity
        self.tracks: Final = tracks
        self._observation = torch.zeros(capacity, tracks, observation_size, device=here())
        self._label = torch.zeros(capacity, tracks, action_size, device=here())
        self._begins = torch.zeros(capacity, tracks, dtype=torch.bool, device=here())
        self._kept = torch.zeros(capacity, tracks, dtype=torch.bool, device=here())
        self._added = 0

    @classmethod
    def of(cls, demonstrations: Demonstrations) -> Self:
        """Return the steps of demonstrations, one track; actions are clipped to ±1, as the contract does."""
        n, observations = demonstrations.observation.shape
        steps = cls(n, 1, observations, demonstrations.action.shape[1])
        parts = {
            "observation": torch.from_numpy(demonstrations.observation),
            "label": torch.from_numpy(demonstrations.action).clamp(-1.0, 1.0),
            "begins": torch.from_numpy(demonstrations.begins),
            "kept": torch.ones(n, dtype=torch.bool),
        }
        steps.restore({"added": n, **{name: part.unsqueeze(1) for name, part in parts.items()}})
        return steps

    def __len__(self) -> int:
        """Return the number of control steps of each robot that are there."""
        return min(self._added, self.capacity)

    @property
    def observations(self) -> Tensor:
        """All observations that are there, (n, O); a view."""
        return self._observation[: len(self)].flatten(0, 1)

    def add(self, observation: Tensor, label: Tensor, begins: Tensor, kept: Tensor) -> None:
        """Store one control step of all robots.

        Args:
            observation: Raw, (m, O).
            label: What should be done, (m, A).
            begins: Whether an episode begins with it, (m,) bool.
            kept: Whether it is a step at all, (m,) bool; see `Transition.skipped`.
        """
        at = self._added % self.capacity
        self._observation[at], self._label[at] = observation, label
        self._begins[at], self._kept[at] = begins, kept
        self._added += 1

    def draw(self, count: int, length: int, burn_in: int, generator: torch.Generator) -> LabelledBatch:
        """Draw sequences uniformly, each from one robot; where there are fewer steps than that, they are shorter.

        Args:
            count: B
            length: L without burn-in; 1 for single steps.
            burn_in: Steps before them whose weight is 0, unless an episode began since the first of them.
            generator: Random numbers of the draw.
        """
        size = len(self)
        length = min(burn_in + length, size)
        first = torch.randint(size - length + 1, (count,), generator=generator)
        track = placed(torch.randint(self.tracks, (count,), generator=generator))
        oldest = self._added - size
        step = placed((oldest + first + torch.arange(length).unsqueeze(1)) % self.capacity)
        begins, kept = self._begins[step, track], self._kept[step, track]
        ended = torch.cat((begins[1:], torch.zeros_like(begins[:1])))
        known = begins.cumsum(0) > 0  # since then the memory is what it was in the episode
        known[min(burn_in, length - 1) :] = True
        return LabelledBatch(
            self._observation[step, track], self._label[step, track], ended, (known & kept).to(torch.float32)
        )

    def state(self) -> dict[str, Any]:
        """Return the steps that are there, for a checkpoint."""
        size = len(self)
        parts = {"observation": self._observation, "label": self._label, "begins": self._begins, "kept": self._kept}
        return {"added": self._added, **{name: part[:size].clone() for name, part in parts.items()}}

    def restore(self, state: dict[str, Any]) -> None:
        """Restore what `state` returned."""
        self._added = int(state["added"])
        size = len(self)
        self._observation[:size], self._label[:size] = state["observation"], state["label"]
        self._begins[:size], self._kept[:size] = state["begins"], state["kept"]
