"""Records what a policy sees and does while it is evaluated, as demonstrations."""

from typing import Final

import numpy as np

from sim2real.configs.errors import UserError
from sim2real.runtime.contract.spec import Contract
from sim2real.training.actor import Act, forget
from sim2real.training.demonstrations.demonstrations import STEPS_MAX, Demonstrations
from sim2real.training.environment_interface import Flags, Floats


class Recorder:
    """A policy whose every observation and action is kept.

    Args:
        act: The policy. May remember, and then forgets when this does.
        observed: O; what a policy sees beyond that is privileged, and not kept.
    """

    def __init__(self, act: Act, observed: int) -> None:
        self._act: Final = act
        self._observed: Final = observed
        self._steps = 0
        self._observations: list[Floats] = []
        self._actions: list[Floats] = []
        self._begins: list[Flags] = []
        self._begin: Flags | None = None  # of the next step; None for all

    def __call__(self, observation: Floats) -> Floats:
        """Return the policy's actions, (n, A); n is always the same. Raises UserError for too many steps."""
        action = self._act(observation)
        n = len(observation)
        self._steps += n
        if not self._steps <= STEPS_MAX:
            raise UserError(f"more than {STEPS_MAX} control steps to record; valid: fewer episodes")
        self._observations.append(observation[:, : self._observed].copy())
        self._actions.append(action.copy())
        self._begins.append(np.ones(n, np.bool_) if self._begin is None else self._begin)
        self._begin = np.zeros(n, np.bool_)
        return action

    def reset(self, ended: Flags | None = None) -> None:
        """Forget the episodes that ended, (n,); None for all."""
        forget(self._act, ended)
        self._begin = None if ended is None or self._begin is None else self._begin | ended

    def demonstrations(self, source: str, contract: Contract | None) -> Demonstrations:
        """Return all steps, those of one robot after those of another."""
        observation, action = (np.stack(steps).swapaxes(0, 1) for steps in (self._observations, self._actions))
        begins = np.stack(self._begins).swapaxes(0, 1)
        return Demonstrations(
            source,
            observation.reshape(-1, observation.shape[-1]),
            action.reshape(-1, action.shape[-1]),
            begins.reshape(-1),
            contract,
        )
