"""Steps all environments with a policy and fills a rollout: the on-policy learners' way to their data."""

from typing import Any, Final

import torch
from torch import Tensor

from sim2real.training.environment_interface import Environment, Floats
from sim2real.training.memory import State, forgotten
from sim2real.training.policy import Policy
from sim2real.training.rollout import Rollout
from sim2real.training.row_normalizer import RowNormalizer


class Collector:
    """Environments with the row that comes next and what the policy remembers, carried from rollout to rollout.

    The state of an episode that ended is zero at the first row of the next one.

    Args:
        environment: The environments.
        policy: Gives the mean of the actions.
        normalizer: Normalises the rows; moments from before a rollout hold for all of it.
        rollout: Is filled.
    """

    def __init__(self, environment: Environment, policy: Policy, normalizer: RowNormalizer, rollout: Rollout) -> None:
        self._environment: Final = environment
        self._policy: Final = policy
        self._normalizer: Final = normalizer
        self._rollout: Final = rollout
        width = environment.observation_size + environment.privileged_size
        self._raw: Final = torch.zeros(environment.num_envs, width)
        self._state: State = policy.memory.initial(environment.num_envs)

    def start(self, seed: int) -> None:
        """Start the first episodes, with random ages, so that environments are in different phases of the task."""
        observation = self._environment.reset_arrays(seed)
        self._read(observation, self._environment.privileged)
        self._environment.stagger()
        self._state = self._policy.memory.initial(self._environment.num_envs)

    @torch.no_grad()
    def collect(self, log_std: Tensor, generator: torch.Generator) -> None:
        """Fill the rollout with actions around the policy's mean, of standard deviation exp(log_std), (A,)."""
        rollout, memory = self._rollout, self._policy.memory
        rollout.clear()
        rollout.policy_state = self._state
        noise = torch.randn(rollout.action.shape, generator=generator)
        std = log_std.exp()
        for step in range(rollout.steps):
            rollout.raw[step].copy_(self._raw)
            rollout.normalized[step].copy_(self._normalizer(self._raw))
            remembered, state = memory.step(rollout.observation[step], self._state)
            rollout.mean[step].copy_(self._policy.mean(remembered))
            torch.addcmul(rollout.mean[step], noise[step], std, out=rollout.action[step])
            transition = self._environment.step_arrays(rollout.action[step].numpy())
            rollout.record(step, transition)
            self._state = forgotten(state, rollout.ended[step])
            self._read(transition.observation, transition.privileged)
        rollout.normalized[-1].copy_(self._normalizer(self._raw))

    def state(self) -> dict[str, Any]:
        """Return the state needed to resume bit for bit."""
        carried = {"policy_state": [part.clone() for part in self._state]} if self._state else {}
        return {"raw": self._raw.clone(), **carried}

    def restore(self, state: dict[str, Any]) -> None:
        """Restore what `state` returned."""
        self._raw.copy_(state["raw"])
        self._state = tuple(part.clone() for part in state.get("policy_state", ()))

    def _read(self, observation: Floats, privileged: Floats) -> None:
        """Store the next observations, (n, O), and privileged values, (n, P)."""
        torch.cat((torch.from_numpy(observation), torch.from_numpy(privileged)), dim=-1, out=self._raw)
