"""Steps all environments with a policy and fills a rollout: the on-policy learners' way to their data."""

from typing import Any, Final

import torch

from sim2real.training import team
from sim2real.training.action_distribution import ActionDistribution
from sim2real.training.device import from_array, here, placed, to_array
from sim2real.training.environment_interface import Environment, Floats, costs_of
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
        self._raw: Final = torch.zeros(environment.num_envs, width, device=here())
        self._state: State = policy.memory.initial(environment.num_envs)

    def start(self, seed: int) -> None:
        """Start the first episodes, with random ages, so that environments are in different phases of the task."""
        self._begin(self._environment.reset_arrays(seed))
        self._environment.stagger()

    @torch.no_grad()
    def collect(
        self, distribution: ActionDistribution, generator: torch.Generator, *, whole_episodes: bool = False
    ) -> None:
        """Fill the rollout with sampled actions.

        Args:
            distribution: Of the actions, around the policy's output.
            generator: Random numbers of the actions.
            whole_episodes: Begin all episodes here, and learn of every environment from its first one alone. The
                rollout is over when all of these have ended, or when its memory is full.
        """
        if whole_episodes:
            self._begin(self._environment.reset_arrays())
        rollout, memory = self._rollout, self._policy.memory
        rollout.clear()
        rollout.policy_state = self._state
        steps, environments, width = rollout.output.shape
        # Of all environments, those of other processes included: together they draw what one process would.
        whole = torch.Size((steps, environments * team.size(), width))
        noise = team.own(distribution.noise(whole, generator), dim=1)
        over = torch.zeros(rollout.environments, dtype=torch.bool, device=here())
        for step in range(rollout.steps):
            rollout.raw[step].copy_(self._raw)
            rollout.normalized[step].copy_(self._normalizer(self._raw))
            remembered, state = memory.step(rollout.observation[step], self._state)
            rollout.output[step].copy_(self._policy.mean(remembered))
            distribution.sample(rollout.output[step], noise[step], rollout.action[step])
            transition = self._environment.step_arrays(to_array(distribution.executed(rollout.action[step])))
            rollout.record(step, transition)
            if rollout.costs.shape[-1]:
                rollout.costs[step].copy_(torch.from_numpy(costs_of(self._environment)))
            self._state = forgotten(state, rollout.ended[step])
            self._read(transition.observation, transition.privileged)
            if whole_episodes:
                rollout.skip(step, over)
                over |= rollout.ended[step]
                if over.all():
                    rollout.cut(step + 1)
                    break
        rollout.normalized[-1].copy_(self._normalizer(self._raw))

    def state(self) -> dict[str, Any]:
        """Return the state needed to resume bit for bit."""
        carried = {"policy_state": [part.clone() for part in self._state]} if self._state else {}
        return {"raw": self._raw.clone(), **carried}

    def restore(self, state: dict[str, Any]) -> None:
        """Restore what `state` returned."""
        self._raw.copy_(state["raw"])
        self._state = tuple(placed(part.clone()) for part in state.get("policy_state", ()))

    def _begin(self, observation: Floats) -> None:
        """Take in the first observations of new episodes."""
        self._read(observation, self._environment.privileged)
        self._state = self._policy.memory.initial(self._environment.num_envs)

    def _read(self, observation: Floats, privileged: Floats) -> None:
        """Store the next observations, (n, O), and privileged values, (n, P)."""
        torch.cat((from_array(observation), from_array(privileged)), dim=-1, out=self._raw)
