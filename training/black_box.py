"""Base of learners that see of an episode its return alone: they ask for weights, play them, and are told returns."""

import time
from abc import ABC, abstractmethod
from typing import Any, Final

import torch
from torch import Tensor

from sim2real.configs.schema.black_box import BlackBoxConfig
from sim2real.training.algorithms.interface import Metrics
from sim2real.training.device import placed
from sim2real.training.environment_interface import Environment
from sim2real.training.natural_gradient import assign, flat
from sim2real.training.policy import Policy
from sim2real.training.population import Population


class BlackBox(ABC):
    """A search over the D weights of a policy. An iteration is a generation: `ask`, whole episodes, `tell`.

    The policy has the mean of the search. Returns are not discounted, and a time limit cuts them.
    """

    def __init__(self, config: BlackBoxConfig, environment: Environment, seed: int) -> None:
        sizes = environment.observation_size, environment.action_size
        self._search: Final = config
        self._generator: Final = torch.Generator().manual_seed(seed)
        self._policy: Final = placed(Policy(config, *sizes, self._generator, squash=False))
        self._environment: Final = environment
        self._population: Final = Population(environment, self._policy, config.episode_steps_max)

    @property
    def policy(self) -> Policy:
        """The current policy."""
        return self._policy

    @property
    def mean(self) -> Tensor:
        """Weights of the policy, (D,)."""
        return flat([parameter.detach() for parameter in self._policy.parameters()])

    def start(self, seed: int) -> None:
        """Start the first episodes; each generation begins its own."""
        self._environment.reset_arrays(seed)

    def iterate(self, progress: float) -> tuple[int, Metrics]:
        """Try one generation, and learn from its returns."""
        config, begin = self._search, time.perf_counter()
        candidates = self.ask()
        returns, steps = self._population.play(candidates, config.episodes)
        middle = time.perf_counter()
        mean, figures = self.tell(candidates, returns, progress)
        assign(list(self._policy.parameters()), mean)
        return steps, {
            "loss/return": -float(returns.mean()),
            "search/return_max": float(returns.max()),
            **figures,
            "time/collect_s": middle - begin,
            "time/learn_s": time.perf_counter() - middle,
        }

    @abstractmethod
    def ask(self) -> Tensor:
        """Return the weights of the next generation, (P, D)."""

    @abstractmethod
    def tell(self, candidates: Tensor, returns: Tensor, progress: float) -> tuple[Tensor, Metrics]:
        """Learn from the returns, (P,) double, of a generation; return the new mean, (D,), and figures."""

    def state(self) -> dict[str, Any]:
        """Return the state needed to resume bit for bit, without policy and environment."""
        return {"generator": self._generator.get_state()}

    def restore(self, state: dict[str, Any]) -> None:
        """Restore what `state` returned."""
        self._generator.set_state(state["generator"])
