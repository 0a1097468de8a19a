"""Proximal policy optimisation with the clipped surrogate (Schulman et al. 2017)."""

import math
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from typing import Any, Final

import torch
from torch import Tensor, nn

from sim2real.configs.errors import ConfigError
from sim2real.configs.schema.algorithm import PpoConfig
from sim2real.training.algorithms.interface import Metrics
from sim2real.training.algorithms.ppo_loss import (
    adapted_rate,
    clipped_surrogate,
    value_loss,
)
from sim2real.training.collector import Collector
from sim2real.training.distributions import gaussian_entropy, gaussian_kl, gaussian_log_prob
from sim2real.training.environment_interface import Environment
from sim2real.training.fitting import take_fitting
from sim2real.training.networks import ValueNetwork
from sim2real.training.normalizer import Normalizer
from sim2real.training.policy import Policy
from sim2real.training.rollout import Minibatch, Rollout
from sim2real.training.row_normalizer import RowNormalizer
from sim2real.training.value_function import ValueFunction
from sim2real.training.value_scale import ValueScale

_ADVANTAGE_STD_MIN: Final = 1e-8


class Ppo:
    """PPO bound to an environment.

    The value network also gets the privileged values (asymmetric actor-critic, Pinto et al. 2018). The policy does not:
    they are not available on the robot.

    An iteration is a rollout of every environment, then some epochs of mini-batches over it. Moments from before the
    rollout normalise its observations, so that the probabilities of its actions stay comparable.

    With memory, a mini-batch has whole environments. Gradients go back to the first step of the rollout or of an
    episode in it, whichever is later; the state before the rollout is the one that was there while it was collected.
    """

    def __init__(self, config: PpoConfig, environment: Environment, seed: int) -> None:
        self.config: Final = config
        n, sizes = environment.num_envs, (environment.observation_size, environment.action_size)
        privileged_size = environment.privileged_size
        check_minibatches(config, n)
        self._generator: Final = torch.Generator().manual_seed(seed)
        self._policy: Final = Policy(config, *sizes, self._generator, squash=False)
        self.value: Final = ValueNetwork(
            sizes[0] + privileged_size, config.hidden, config.activation, self._generator, config.memory
        )
        self._privileged_normalizer: Final = Normalizer(privileged_size)
        self._normalizer: Final = RowNormalizer(self._policy.normalizer, self._privileged_normalizer)
        self.log_std: Final = nn.Parameter(torch.full((sizes[1],), config.initial_std).log())
        self._value_scale: Final = ValueScale()
        self._parameters: Final = list(chain(self._policy.parameters(), self.value.parameters(), (self.log_std,)))
        # Fused Adam: one kernel call for all parameters of these small networks.
        self._optimizer: Final = torch.optim.Adam(self._parameters, lr=config.learning_rate, eps=1e-5, fused=True)
        self.rollout: Final = Rollout(config.rollout_steps, n, *sizes, privileged_size)
        """Data of the last `collect`."""
        self._collector: Final = Collector(environment, self._policy, self._normalizer, self.rollout)
        self._second_thread: Final = ThreadPoolExecutor(1, "value", torch.set_num_threads, (1,))
        scale = self._value_scale if config.normalize_values else None
        self._values: Final = ValueFunction(self.value, scale, self._normalizer, n, self._second_thread)
        self._steps: Final = config.rollout_steps * n
        self._rate_min, self._rate_max = config.learning_rate_range
        std_range = config.std_range
        self._log_std_range: Final = (-math.inf, math.inf) if std_range is None else tuple(map(math.log, std_range))
        self._log_std_max = self._log_std_range[1]

    @property
    def policy(self) -> Policy:
        """The current policy."""
        return self._policy

    def start(self, seed: int) -> None:
        """Start the first episodes, with random ages, so that environments are in different phases of the task."""
        self._collector.start(seed)

    def iterate(self, progress: float) -> tuple[int, Metrics]:
        """Collect one rollout and learn from it."""
        # Annealing: late in the run only small steps are allowed, so that the final policy has converged.
        self._rate_max = max(self.config.learning_rate_range[1] * (1.0 - progress), self._rate_min)
        self._log_std_max = min(self._log_std_range[1], _log_std_ceiling(self.config, progress))
        self._bound_std()
        begin = time.perf_counter()
        self.collect()
        middle = time.perf_counter()
        metrics = self._learn()
        metrics["time/collect_s"] = middle - begin
        metrics["time/learn_s"] = time.perf_counter() - middle
        return self._steps, metrics

    def state(self) -> dict[str, Any]:
        """Return the state needed to resume bit for bit, without policy and environment."""
        return {
            "value": self.value.state_dict(),
            "value_scale": self._value_scale.state_dict(),
            "log_std": self.log_std.detach().clone(),
            "optimizer": self._optimizer.state_dict(),
            "generator": self._generator.get_state(),
            "privileged_normalizer": self._privileged_normalizer.state_dict(),
            **self._collector.state(),
            **self._values.state(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Restore what `state` returned."""
        self.value.load_state_dict(state["value"])
        self._value_scale.load_state_dict(state["value_scale"])
        with torch.no_grad():
            self.log_std.copy_(state["log_std"])
        self._optimizer.load_state_dict(state["optimizer"])
        self._generator.set_state(state["generator"])
        self._privileged_normalizer.load_state_dict(state["privileged_normalizer"])
        self._collector.restore(state)
        self._values.restore(state)

    def warm_start(self, state: dict[str, Any]) -> tuple[str, ...]:
        """Take over standard deviation and value network; the latter only with the scales that belong to it."""
        with torch.no_grad():
            self.log_std.copy_(state["log_std"])
        own = {
            "value": self.value,
            "value_scale": self._value_scale,
            "privileged_normalizer": self._privileged_normalizer,
        }
        return ("log_std", *take_fitting(own, state))

    def collect(self) -> None:
        """Fill the rollout with steps of all environments."""
        self._collector.collect(self.log_std.detach(), self._generator)
        self._values.begin(self.rollout)

    def _learn(self) -> Metrics:
        config, rollout = self.config, self.rollout
        old_log_std = self.log_std.detach().clone()
        old_log_prob = gaussian_log_prob(rollout.action, rollout.mean, old_log_std)
        figures: list[Tensor] = []
        explained = 0.0
        for epoch in range(config.epochs):
            if epoch == 0 or config.recompute_advantages:
                advantage, target = self.targets(first=epoch == 0)
                taken = rollout.steps_of(advantage.flatten())
                if epoch == 0:
                    goals = rollout.steps_of(target.flatten())
                    explained = _explained_variance(goals - taken, goals)
                goal = self._value_scale.normalized(target) if config.normalize_values else target
                advantage = (advantage - taken.mean()) / (taken.std() + _ADVANTAGE_STD_MIN)
            columns = (rollout.action, rollout.mean, old_log_prob, advantage, goal)
            sequences = self._policy.memory.recurrent
            batches = rollout.minibatches(columns, config.minibatches, self._generator, sequences=sequences)
            figures.extend(
                self._update(old_log_std, batch, first=epoch == done == 0) for done, batch in enumerate(batches)
            )
        self._normalizer.update(rollout.steps_of(rollout.raw.flatten(0, 1)))
        surrogate, fit, clipped, divergence, norm = torch.stack(figures).mean(0).tolist()
        return {
            "loss/surrogate": surrogate,
            "loss/value": fit,
            "gradient_norm": norm,
            "policy/clipped": clipped,
            "policy/kl": divergence,
            "policy/std": float(self.log_std.detach().exp().mean()),
            "policy/entropy": float(gaussian_entropy(self.log_std.detach())),
            "value/explained_variance": explained,
            "learning_rate": self._rate,
        }

    def targets(self, *, first: bool) -> tuple[Tensor, Tensor]:
        """Return advantages and value targets of the rollout, (T, n) each, with the current value network."""
        config = self.config
        return self._values.targets(self.rollout, discount=config.discount, gae_lambda=config.gae_lambda, first=first)

    def _update(self, old_log_std: Tensor, batch: Minibatch, *, first: bool) -> Tensor:
        """Take one gradient step on a mini-batch, the first one since the rollout or a later one.

        Returns:
            Surrogate loss, value loss, clipped share, KL, and norm of the gradient before it is clipped, (5,).
        """
        config = self.config
        action, old_mean, old_log_prob, advantage, goal = batch.columns
        self._optimizer.zero_grad()
        # The two networks share no weights: their gradients are computed on two threads.
        fitting = self._second_thread.submit(self._fit_value, batch, goal)
        observation, _ = self._normalizer.parts(batch.inputs)
        remembered, _ = self._policy.memory(observation, batch.policy_state, batch.ended)
        mean = batch.steps_of(self._policy.mean(remembered))
        with torch.no_grad():
            divergence = gaussian_kl(old_mean, old_log_std, mean, self.log_std).mean()
        # Before the first step the policy is that of the rollout: its divergence of zero says nothing about the rate.
        if config.target_kl is not None and not first:
            rates = self._rate_min, self._rate_max
            self._rate = adapted_rate(self._rate, float(divergence), config.target_kl, *rates)
        surrogate, clipped = clipped_surrogate(
            gaussian_log_prob(action, mean, self.log_std), old_log_prob, advantage, config.clip
        )
        torch.autograd.backward(surrogate - config.entropy_weight * gaussian_entropy(self.log_std))
        fit = fitting.result()
        norm = nn.utils.clip_grad_norm_(self._parameters, config.gradient_norm_max)
        self._optimizer.step()
        self._bound_std()
        return torch.stack((surrogate.detach(), fit, clipped, divergence, norm))

    @torch.no_grad()
    def _bound_std(self) -> None:
        """Clip the standard deviation of actions to its range and to the current ceiling."""
        self.log_std.clamp_(self._log_std_range[0], self._log_std_max)

    def _fit_value(self, batch: Minibatch, goal: Tensor) -> Tensor:
        """Compute the gradients of the value network; return its loss."""
        value, _ = self.value(batch.inputs, batch.value_state, batch.ended)
        fit = value_loss(batch.steps_of(value), goal)
        torch.autograd.backward(self.config.value_weight * fit)
        return fit.detach()

    @property
    def _rate(self) -> float:
        return float(self._optimizer.param_groups[0]["lr"])

    @_rate.setter
    def _rate(self, rate: float) -> None:
        self._optimizer.param_groups[0]["lr"] = rate


def check_minibatches(config: PpoConfig, environments: int) -> None:
    """Refuse minibatches of one row, which has no spread, and, with memory, more of them than environments.

    Raises:
        ConfigError: The message says what is valid.
    """
    if config.memory is not None and config.minibatches > environments:
        raise ConfigError(
            f"algorithm.minibatches: {config.minibatches} of {environments} environments; with memory a minibatch has "
            f"whole environments; valid: 1 to {environments}"
        )
    rows = config.rollout_steps * environments
    if min(len(part) for part in torch.arange(rows).chunk(config.minibatches)) < 2:
        raise ConfigError(
            f"algorithm.minibatches: {config.minibatches} of a rollout of {rows} rows ({config.rollout_steps} "
            f"rollout_steps of {environments} environments) leave one row in a minibatch; valid: 2 rows and more in "
            "each"
        )


def _log_std_ceiling(config: PpoConfig, progress: float) -> float:
    """Return the logarithm of the ceiling of the standard deviation; infinite without `final_std`.

    It falls from `initial_std` to `final_std` in the second half of training. For a given divergence the mean moves in
    proportion to the standard deviation, so a small one early would slow down learning.
    """
    if config.final_std is None:
        return math.inf
    first, last = math.log(config.initial_std), math.log(config.final_std)
    return first + (last - first) * min(max(2.0 * progress - 1.0, 0.0), 1.0)


def _explained_variance(value: Tensor, target: Tensor) -> float:
    """Return 1 − Var(target − value) / Var(target): 1 for exact values, 0 for values no better than the mean target."""
    spread = target.var()
    return float(1.0 - (target - value).var() / spread) if spread > 0 else 0.0
