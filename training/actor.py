"""A finished policy for a batch of robots: deterministic actions, with a memory for each robot."""

from collections.abc import Callable
from typing import Final, Protocol, runtime_checkable

import numpy as np

from sim2real.training.environment_interface import Flags, Floats

Arrays = tuple[Floats, ...]
"""State of n robots, (n, H) each; empty without memory."""

Act = Callable[[Floats], Floats]
"""Deterministic actions (n, A) for observations (n, O); one that remembers also has `reset`, as `Remembering`."""


@runtime_checkable
class Remembering(Protocol):
    """What may remember the steps of an episode."""

    def reset(self, ended: Flags | None = None) -> None:
        """Forget the episodes that ended, (n,); None for all."""


def forget(act: Act, ended: Flags | None = None) -> None:
    """Let a policy forget the episodes that ended, (n,); None for all. Without `reset` it remembers nothing."""
    if isinstance(act, Remembering):
        act.reset(ended)


class Actor:
    """Observations (n, O) to actions (n, A), step by step; what each robot remembers is kept here.

    Args:
        step: Actions and the next state, for observations and a state.
        shapes: Shapes of one robot's state, (1, H) each; empty without memory.
    """

    def __init__(
        self, step: Callable[[Floats, Arrays], tuple[Floats, Arrays]], shapes: tuple[tuple[int, ...], ...]
    ) -> None:
        self._step: Final = step
        self._shapes: Final = shapes
        self._state: Arrays | None = None

    def __call__(self, observation: Floats) -> Floats:
        """Return the actions.

        Raises:
            ValueError: There is a memory, and it is of another number of robots: it has to be reset first.
        """
        n = len(observation)
        if self._state is None:
            self._state = tuple(np.zeros((n, *shape[1:]), np.float32) for shape in self._shapes)
        if any(len(part) != n for part in self._state):
            raise ValueError(f"observations of {n} robots for a memory of {len(self._state[0])}; reset it first")
        actions, self._state = self._step(np.ascontiguousarray(observation), self._state)
        return actions

    @property
    def state(self) -> Arrays | None:
        """What the robots remember, (n, H) each; None before the first step, and after a reset of all."""
        return self._state

    @state.setter
    def state(self, state: Arrays | None) -> None:
        self._state = state

    def reset(self, ended: Flags | None = None) -> None:
        """Forget the episodes that ended, (n,); None for all, of any number of robots."""
        if ended is None:
            self._state = None
        elif self._state and ended.any():
            self._state = tuple(np.where(ended[:, None], np.float32(0.0), part) for part in self._state)
