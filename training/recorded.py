"""Records what a policy sees while it is evaluated: the proof of an export is made on it."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from sim2real.training.actor import Act, forget
from sim2real.training.environment_interface import Flags, Floats

_ROWS_MAX: Final = 4096
_ROWS_EVERY: Final = 10

_STEPS_MAX: Final = 512
"""Steps of a recorded sequence: a difference that grows from step to step shows within some hundred."""
_ENVIRONMENTS_MAX: Final = 8


@dataclass(frozen=True)
class Sequences:
    """All observations of some environments, step by step."""

    observation: Floats
    """(T, m, O)"""
    begins: Flags
    """Whether the step begins an episode, (T, m); true in the first one."""


class Recorded:
    """A policy whose observations are recorded: every tenth step of all environments, and every step of some.

    Args:
        act: The policy. May remember, and then forgets when this does.
    """

    def __init__(self, act: Act) -> None:
        self._act: Final = act
        self._calls, self._rows = 0, 0
        self._parts: list[Floats] = []
        self._steps: list[Floats] = []
        self._begins: list[Flags] = []
        self._begin: Flags | None = None  # of the next step; None for all

    def __call__(self, observation: Floats) -> Floats:
        """Return the policy's actions."""
        if self._calls % _ROWS_EVERY == 0 and self._rows < _ROWS_MAX:
            self._parts.append(observation.copy())
            self._rows += len(observation)
        self._calls += 1
        if len(self._steps) < _STEPS_MAX:
            some = observation[:_ENVIRONMENTS_MAX].copy()
            self._steps.append(some)
            self._begins.append(np.ones(len(some), np.bool_) if self._begin is None else self._begin)
            self._begin = np.zeros(len(some), np.bool_)
        return self._act(observation)

    def reset(self, ended: Flags | None = None) -> None:
        """Forget the episodes that ended, (n,); None for all."""
        forget(self._act, ended)
        if ended is None:
            self._begin = None
        elif self._begin is not None:
            self._begin = self._begin | ended[:_ENVIRONMENTS_MAX]

    def observations(self) -> Floats:
        """Return observations of every tenth step, (k, O)."""
        return np.concatenate(self._parts)[:_ROWS_MAX]

    def sequences(self) -> Sequences:
        """Return the observations of some environments, step by step."""
        return Sequences(np.stack(self._steps), np.stack(self._begins))
