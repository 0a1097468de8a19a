"""Base of learners that collect a rollout of every environment, learn from it, and drop it."""

import time
from abc import ABC, abstractmethod
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Final, Protocol

import torch
from torch import Tensor

from sim2real.configs.errors import ConfigError
from sim2real.configs.schema.algorithm import OnPolicyConfig
from sim2real.training.action_distribution import ActionDistribution, Categorical, Gaussian
from sim2real.training.advantages import Estimator, generalized_advantages
from sim2real.training.algorithms.interface import Metrics
from sim2real.training.choices import given_choices
from sim2real.training.collector import Collector
from sim2real.training.device import placed
from sim2real.training.environment_interface import Environment, budgets_of
from sim2real.training.fitting import take_fitting
from sim2real.training.networks import ValueNetwork
from sim2real.training.normalizer import Normalizer
from sim2real.training.policy import Policy
from sim2real.training.rollout import Rollout
from sim2real.training.row_normalizer import RowNormalizer, privileged_normalizer
from sim2real.training.std_bounds import StdBounds
from sim2real.training.symmetry import Mirror
from sim2real.training.value_function import ValueFunction
from sim2real.training.value_scale import ValueScale


class Stateful(Protocol):
    """A module or an optimizer."""

    def state_dict(self) -> dict[str, Any]:
        """Return tensors and plain data."""

    def load_state_dict(self, state_dict: Any, /) -> Any:  # noqa: ANN401 - modules and optimizers differ
        """Restore what `state_dict` returned."""


class OnPolicy(ABC):
    """Policy, value network and distribution of the actions, bound to an environment.

    The value network also gets the privileged values (asymmetric actor-critic, Pinto et al. 2018). The policy does not:
    they are not available on the robot.

    Moments from before a rollout normalise its observations, so that the probabilities of its actions stay comparable.

    Args:
        config: Sizes, discount and spread of actions.
        environment: The environment.
        seed: Seed of all randomness.
        whole_episodes: Whether a rollout is one episode of every environment, from its start; see `Collector`.
        estimator: Estimates the advantages; by default generalised ones (Schulman et al. 2016).
        mirror: Observations are normalised alike on both sides of it.
    """

    def __init__(
        self,
        config: OnPolicyConfig,
        environment: Environment,
        seed: int,
        *,
        whole_episodes: bool = False,
        estimator: Estimator | None = None,
        mirror: Mirror | None = None,
    ) -> None:
        n, sizes = environment.num_envs, (environment.observation_size, environment.action_size)
        privileged_size = environment.privileged_size
        self._generator: Final = torch.Generator().manual_seed(seed)
        choices = _choices(environment, memory=config.memory is not None)
        self._policy: Final = placed(Policy(config, *sizes, self._generator, squash=False, choices=choices))
        self.value: Final = placed(
            ValueNetwork(sizes[0] + privileged_size, config.hidden, config.activation, self._generator, config.memory)
        )
        self._privileged_normalizer: Final[Normalizer] = privileged_normalizer(environment, config.normalizer_half_life)
        self._normalizer: Final = RowNormalizer(
            self._policy.normalizer, self._privileged_normalizer, None if mirror is None else mirror.rows
        )
        self.distribution: Final[ActionDistribution] = placed(
            Gaussian(sizes[1], config.initial_std) if choices is None else Categorical(choices)
        )
        self._value_scale: Final = placed(ValueScale(config.normalizer_half_life))
        self.rollout: Final = Rollout(
            config.rollout_steps,
            n,
            sizes[0],
            sizes[1] if choices is None else 1,
            privileged_size,
            costs=len(budgets_of(environment)),
            output_size=None if choices is None else len(choices),
        )
        """Data of the last `collect`."""
        self._collector: Final = Collector(environment, self._policy, self._normalizer, self.rollout)
        self._whole_episodes: Final = whole_episodes
        self._second_thread: Final = ThreadPoolExecutor(1, "value", torch.set_num_threads, (1,))
        scale = self._value_scale if config.normalize_values else None
        self._values: Final = ValueFunction(self.value, scale, self._normalizer, n, self._second_thread)
        self.estimator: Final[Estimator] = estimator or partial(
            generalized_advantages, discount=config.discount, gae_lambda=config.gae_lambda
        )
        self._std: Final = StdBounds(config)

    @property
    def policy(self) -> Policy:
        """The current policy."""
        return self._policy

    def start(self, seed: int) -> None:
        """Start the first episodes, with random ages, so that environments are in different phases of the task."""
        self._collector.start(seed)

    def iterate(self, progress: float) -> tuple[int, Metrics]:
        """Collect one rollout and learn from it."""
        self._std.advance(progress)
        self._bound_std()
        begin = time.perf_counter()
        self.collect()
        middle = time.perf_counter()
        metrics = self._learn(progress)
        self._normalizer.update(self.rollout.steps_of(self.rollout.raw.flatten(0, 1)))
        metrics |= self.distribution.figures(self.rollout.output)
        metrics["time/collect_s"] = middle - begin
        metrics["time/learn_s"] = time.perf_counter() - middle
        return self.rollout.taken * self.rollout.environments, metrics

    def collect(self) -> None:
        """Fill the rollout with steps of all environments."""
        self._collector.collect(self.distribution, self._generator, whole_episodes=self._whole_episodes)
        self._values.begin(self.rollout)

    @abstractmethod
    def _learn(self, progress: float) -> Metrics:
        """Learn from the rollout; return losses and figures."""

    def targets(self, *, first: bool = True) -> tuple[Tensor, Tensor]:
        """Return advantages and value targets of the rollout, (T, n) each, with the current value network."""
        return self._values.targets(self.rollout, self.estimator, first=first)

    def evaluated(self) -> tuple[Tensor, Tensor]:
        """Return log π(a|s), (k,), and the policy's outputs, (k, A), of the rollout's k steps, with gradients."""
        rollout = self.rollout
        remembered, _ = self._policy.memory(rollout.observation[:-1], rollout.policy_state, rollout.ended)
        output = rollout.steps_of(self._policy.mean(remembered).flatten(0, 1))
        return self.distribution.log_prob(output, rollout.steps_of(rollout.action.flatten(0, 1))), output

    def evaluated_values(self) -> Tensor:
        """Return the value network's outputs of the rollout's k steps, (k,), with gradients."""
        rollout = self.rollout
        value, _ = self.value(rollout.normalized[:-1], rollout.value_state, rollout.ended)
        return rollout.steps_of(value.flatten())

    def _parts(self) -> dict[str, Stateful]:
        """Return modules and optimizers, beside policy and distribution, by their names in a checkpoint."""
        return {
            "value": self.value,
            "value_scale": self._value_scale,
            "privileged_normalizer": self._privileged_normalizer,
        }

    def state(self) -> dict[str, Any]:
        """Return the state needed to resume bit for bit, without policy and environment."""
        return {
            **{name: part.state_dict() for name, part in self._parts().items()},
            **{name: tensor.clone() for name, tensor in self.distribution.state_dict().items()},
            "generator": self._generator.get_state(),
            **self._collector.state(),
            **self._values.state(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Restore what `state` returned."""
        for name, part in self._parts().items():
            part.load_state_dict(state[name])
        self._take_distribution(state)
        self._generator.set_state(state["generator"])
        self._collector.restore(state)
        self._values.restore(state)

    def warm_start(self, state: dict[str, Any]) -> tuple[str, ...]:
        """Take over standard deviation and value network; the latter only with the scales that belong to it."""
        own = {
            "value": self.value,
            "value_scale": self._value_scale,
            "privileged_normalizer": self._privileged_normalizer,
        }
        return (*self._take_distribution(state), *take_fitting(own, state))

    def _take_distribution(self, state: dict[str, Any]) -> tuple[str, ...]:
        names = tuple(self.distribution.state_dict())
        self.distribution.load_state_dict({name: state[name] for name in names})
        return names

    def _bound_std(self) -> None:
        """Clip the standard deviation of actions to its range and to the current ceiling."""
        self.distribution.bound(self._std.low, self._std.high)


def _choices(environment: Environment, *, memory: bool) -> Tensor | None:
    """Return the only actions of an environment, (K, A); None if it takes any.

    Raises:
        ConfigError: They are discrete, and the policy is to have a memory.
    """
    choices = given_choices(environment)
    if choices is None:
        return None
    if memory:
        raise ConfigError("algorithm.memory: not with discrete actions; valid: null")
    return torch.from_numpy(choices)
