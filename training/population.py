"""Plays whole episodes with as many policies as there are environments, each with weights of its own."""

from copy import deepcopy
from typing import Final

import numpy as np
import torch
from torch import Tensor
from torch.func import functional_call, vmap

from sim2real.training.device import from_array, placed, to_array
from sim2real.training.environment_interface import Environment, Floats
from sim2real.training.policy import Policy


class Population:
    """Policies that differ in their weights alone; together they extend the policy's normaliser.

    Args:
        environment: n environments, which play n policies at a time.
        policy: Gives the networks and the normaliser; moments from before a generation hold for all of it.
        episode_steps_max: Bound of an episode, control steps.
    """

    def __init__(self, environment: Environment, policy: Policy, episode_steps_max: int) -> None:
        self._environment: Final = environment
        self._policy: Final = policy
        self._steps_max: Final = episode_steps_max
        self._shapes: Final = {name: parameter.shape for name, parameter in policy.named_parameters()}

    @torch.no_grad()
    def play(self, candidates: Tensor, episodes: int) -> tuple[Tensor, int]:
        """Play policies with weights (P, D), so many episodes of each.

        Returns:
            The mean return of each, (P,) double, and the control steps taken, summed over environments.
        """
        count, n = len(candidates), self._environment.num_envs
        returns = torch.zeros(count, dtype=torch.float64)
        seen, steps = deepcopy(self._policy.normalizer), 0
        for first in range(0, count * episodes, n):
            jobs = torch.arange(first, min(first + n, count * episodes)) % count
            # Environments without a job play the last one again, and nobody counts it.
            filled = torch.cat((jobs, jobs[-1:].expand(n - len(jobs))))
            paid, rows, taken = self._wave(candidates[placed(filled)], len(jobs))
            returns.index_add_(0, jobs, paid[: len(jobs)])
            seen.update(rows)
            steps += taken
        self._policy.normalizer.load_state_dict(seen.state_dict())
        return returns / episodes, steps

    def _wave(self, weights: Tensor, jobs: int) -> tuple[Tensor, Tensor, int]:
        """Play one episode in every environment; return what was paid, the observations met, and the steps taken."""
        environment, n = self._environment, self._environment.num_envs
        parameters = self._parameters(weights)
        observation = environment.reset_arrays()
        running = np.arange(n) < jobs
        paid = np.zeros(n)
        met: list[Tensor] = []
        taken = 0
        while running.any() and taken < self._steps_max:
            rows = from_array(observation).clone()
            met.append(rows[from_array(running)])
            out = environment.step_arrays(self._act(parameters, rows))
            taken += 1
            counted = running if out.skipped is None else running & ~out.skipped
            paid[counted] += out.reward[counted]
            running &= ~(out.terminated | out.truncated)
            observation = out.observation
        return torch.from_numpy(paid), torch.cat(met), taken * n

    def _act(self, parameters: dict[str, Tensor], rows: Tensor) -> Floats:
        """Return the action of each policy for its own observation, (n, A)."""

        def one(own: dict[str, Tensor], row: Tensor) -> Tensor:
            action: Tensor = functional_call(self._policy, own, (row,))[0]
            return action

        return to_array(vmap(one)(parameters, rows))

    def _parameters(self, weights: Tensor) -> dict[str, Tensor]:
        """Return the parameters of n policies by name, (n, *shape) each, for weights, (n, D)."""
        parts = torch.split(weights, [shape.numel() for shape in self._shapes.values()], dim=1)
        return {name: part.reshape(-1, *shape) for (name, shape), part in zip(self._shapes.items(), parts, strict=True)}
