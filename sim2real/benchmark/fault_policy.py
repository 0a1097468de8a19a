"""A policy that fails at a set time, around one that works."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from sim2real.benchmark.fault_world import FaultWorld
from sim2real.hardware.clock import ns_from_s
from sim2real.runtime.contract.observation import Float32Array
from sim2real.runtime.contract.spec import Contract
from sim2real.runtime.policy import Policy, RecurrentPolicy


class BrokenPolicy:
    """Implements `Policy`. Until the fault begins, and after it ends, it acts like the one it is made of.

    Args:
        policy: The one that works.
        world: Whose clock tells the time, and passes while the policy is slow.
        fault: `kind` and `value`: `nan`, `inf`, `raises`, `shape` (one action too many), `saturated` (all actions are
            `value`), `huge`, `slow` (each action takes `value` periods), `stalls` (one takes `value` seconds).
        begin_s: s since power-up.
        end_s: s since power-up; None if it stays.
    """

    def __init__(
        self, policy: Policy, world: FaultWorld, fault: Mapping[str, Any], begin_s: float, end_s: float | None
    ) -> None:
        self.contract: Contract = policy.contract
        self.provenance = policy.provenance
        self.digest = policy.digest
        self._policy = policy
        self._world = world
        self._kind, self._value = str(fault["kind"]), float(fault["value"])
        self._begin_s, self._end_s = begin_s, end_s
        self._stalled = False

    def act(self, observation: Float32Array) -> Float32Array:
        """Return the action, or fail."""
        action = self._policy.act(observation)
        now_s = self._world.elapsed_s()
        if now_s < self._begin_s or (self._end_s is not None and now_s >= self._end_s):
            return action
        if self._kind == "raises":
            raise RuntimeError("the policy failed, as the campaign asked")
        if self._kind == "shape":
            return np.zeros((1, action.shape[1] + 1), np.float32)
        if self._kind in ("slow", "stalls"):
            self._pass_time()
            return action
        broken = {"nan": np.nan, "inf": np.inf, "saturated": self._value, "huge": self._value}[self._kind]
        return np.full_like(action, broken)

    def reset(self) -> None:
        """Forget: the next action is the first of an episode."""
        if isinstance(self._policy, RecurrentPolicy):
            self._policy.reset()

    def _pass_time(self) -> None:
        clock, seconds = self._world.clock, self._value
        if self._kind == "slow":
            seconds /= self.contract.control_rate
        elif self._stalled:
            return
        self._stalled = True
        clock.sleep_until_ns(clock.now_ns() + ns_from_s(seconds))
