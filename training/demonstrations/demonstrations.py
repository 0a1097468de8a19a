"""Demonstrations: what was seen and done in each control step, in order, with the contract of both."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

import numpy as np

from sim2real.configs.errors import UserError
from sim2real.runtime.contract.spec import Contract
from sim2real.training.environment_interface import Flags, Floats

STEPS_MAX: Final = 50_000_000
"""Bound of the control steps in memory: eleven days at 50 Hz."""


@dataclass(frozen=True)
class Demonstrations:
    """n control steps of one or several episodes, one after the other."""

    source: str
    """Where they are from, for messages."""
    observation: Floats
    """What the policy saw, (n, O), as the contract computes it: scaled and clipped, not normalised."""
    action: Floats
    """What was done then, (n, A), in units of the action's clip."""
    begins: Flags
    """Whether an episode begins with this step, (n,); true in the first one."""
    contract: Contract | None = None
    """What both are; None where they are of no robot."""

    def __post_init__(self) -> None:
        """Refuse what nothing can be learned from.

        Raises:
            UserError: There is no step, shapes do not agree, a number is not finite, or the contract has other sizes.
        """
        shapes = self.observation.shape, self.action.shape, self.begins.shape
        n = len(self.observation)
        if not (self.observation.ndim == self.action.ndim == 2 and self.begins.shape == (n,) == (len(self.action),)):
            raise UserError(
                f"{self.source}: observation {shapes[0]}, action {shapes[1]}, begins {shapes[2]}; valid: (n, O), "
                "(n, A) and (n,)"
            )
        if not 1 <= n <= STEPS_MAX:
            raise UserError(f"{self.source}: {n} control steps; valid: 1 to {STEPS_MAX}")
        for name, values in (("observation", self.observation), ("action", self.action)):
            if not np.isfinite(values).all():
                row, column = np.argwhere(~np.isfinite(values))[0]
                raise UserError(f"{self.source}: {name}[{column}] of step {row} is {values[row, column]}")
        if not self.begins[0]:
            raise UserError(f"{self.source}: begins[0] is false; valid: true, an episode begins there")
        if self.contract is not None:
            sizes = self.contract.observation_size, self.contract.action_size
            if (self.observation.shape[1], self.action.shape[1]) != sizes:
                raise UserError(
                    f"{self.source}: {self.observation.shape[1]} observation values and {self.action.shape[1]} "
                    f"actions; its contract has {sizes[0]} and {sizes[1]}"
                )

    def __len__(self) -> int:
        return len(self.observation)

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """Return several of the same contract and sizes as one."""
        if len(parts) == 1:
            return parts[0]
        return cls(
            f"{parts[0].source} and {len(parts) - 1} more",
            np.concatenate([part.observation for part in parts]),
            np.concatenate([part.action for part in parts]),
            np.concatenate([part.begins for part in parts]),
            parts[0].contract,
        )

    @property
    def episodes(self) -> int:
        """Number of episodes."""
        return int(np.count_nonzero(self.begins))

    def split(self, share: float) -> "tuple[Demonstrations, Demonstrations | None]":
        """Return all but the last episodes, and those: ⌊share · episodes⌋ of them, None for none."""
        count = int(share * self.episodes)
        if count == 0:
            return self, None
        at = int(np.flatnonzero(self.begins)[-count])
        return self._part(slice(0, at)), self._part(slice(at, None))

    def digest(self) -> str:
        """Return the SHA-256 of all numbers, as hex digits."""
        digest = hashlib.sha256()
        for values in (self.observation, self.action, self.begins):
            digest.update(np.ascontiguousarray(values).tobytes())
        return digest.hexdigest()

    def _part(self, steps: slice) -> "Demonstrations":
        return Demonstrations(
            self.source, self.observation[steps], self.action[steps], self.begins[steps], self.contract
        )
