"""A policy that fails at set times, around one that works."""

from collections.abc import Callable, Sequence

import numpy as np

from sim2real.configs.schema.event import PolicyEventConfig
from sim2real.runtime.contract.observation import Float32Array
from sim2real.runtime.policy import Policy, RecurrentPolicy

_SATURATED = 1000.0


class FailingPolicy:
    """Implements `Policy`, and forgets like a recurrent one. Between its failures it acts like the one that works.

    Args:
        policy: The one that works.
        events: When it fails, and how.
        elapsed: Returns the time since the policy first ran, s; None before.
        fails: Called when a failure takes effect.
    """

    def __init__(
        self,
        policy: Policy,
        events: Sequence[PolicyEventConfig],
        elapsed: Callable[[], float | None],
        fails: Callable[[], None],
    ) -> None:
        self.contract, self.provenance, self.digest = policy.contract, policy.provenance, policy.digest
        self._policy, self._events, self._elapsed, self._fails = policy, events, elapsed, fails

    def act(self, observation: Float32Array) -> Float32Array:
        """Return the action, or fail."""
        action, now = self._policy.act(observation), self._elapsed()
        for event in self._events:
            if now is None or not event.at <= now:
                continue
            if event.duration is not None and not now < event.at + event.duration:
                continue
            self._fails()
            if event.kind == "policy_raises":
                raise RuntimeError("the policy failed, as the scenario says")
            return np.full_like(action, np.nan if event.kind == "policy_nan" else _SATURATED)
        return action

    def reset(self) -> None:
        """Forget: the next action is the first of an episode."""
        if isinstance(self._policy, RecurrentPolicy):
            self._policy.reset()
