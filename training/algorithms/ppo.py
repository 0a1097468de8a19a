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
from sim2real.training.advantages import generalized_advantages
from sim2real.training.algorithms.interface import Metrics
from sim2real.training.algorithms.ppo_loss import (
    LEARNING_RATE_MAX,
    LEARNING_RATE_MIN,
    adapted_rate,
    clipped_surrogate,
    value_loss,
)
from sim2real.training.distributions import gaussian_entropy, gaussian_kl, gaussian_log_prob
from sim2real.training.environment_interface import Environment, Floats
from sim2real.training.fitting import take_fitting
from sim2real.training.networks import ValueNetwork
from sim2real.training.normalizer import Normalizer
from sim2real.training.policy import Policy
from sim2real.training.rollout import Rollout
from sim2real.training.value_scale import ValueScale

_ADVANTAGE_STD_MIN: Final = 1e-8


class Ppo:
    """PPO bound to an environment.

    The value network also gets the privileged values (asymmetric actor-critic, Pinto et al. 2018). The policy does not:
    they are not available on the robot.

    An iteration is a rollout of every environment, then some epochs of mini-batches over it. Moments from before the
    rollout normalise its observations, so that the probabilities of its actions stay comparable.
    """

    def __init__(self, config: PpoConfig, environment: Environment, seed: int) -> None:
        self.config: Final = config
        self._environment: Final = environment
        sizes = environment.observation_size, environment.action_size
        check_minibatches(config, environment.num_envs)
        self._generator: Final = torch.Generator().manual_seed(seed)
        self._policy: Final = Policy(config, *sizes, self._generator, squash=False)
        privileged_size = environment.privileged_size
        self.value: Final = ValueNetwork(sizes[0] + privileged_size, config.hidden, config.activation, self._generator)
        self._privileged_normalizer: Final = Normalizer(privileged_size)
        self.log_std: Final = nn.Parameter(torch.full((sizes[1],), config.initial_std).log())
        self._value_scale: Final = ValueScale()
        self._parameters: Final = list(chain(self._policy.parameters(), self.value.parameters(), (self.log_std,)))
        # Fused Adam: one kernel call for all parameters of these small networks.
        self._optimizer: Final = torch.optim.Adam(self._parameters, lr=config.learning_rate, eps=1e-5, fused=True)
        self.rollout: Final = Rollout(config.rollout_steps, environment.num_envs, *sizes, privileged_size)
        """Data of the last `collect`."""
        self._raw: Final = torch.zeros(environment.num_envs, sizes[0] + privileged_size)
        self._rate_max = LEARNING_RATE_MAX
        std_range = config.std_range
        self._log_std_range: Final = (-math.inf, math.inf) if std_range is None else tuple(map(math.log, std_range))
        self._log_std_max = self._log_std_range[1]
        self._second_thread: Final = ThreadPoolExecutor(1, "value", torch.set_num_threads, (1,))

    @property
    def policy(self) -> Policy:
        """The current policy."""
        return self._policy

    def start(self, seed: int) -> None:
        """Start the first episodes, with random ages, so that environments are in different phases of the task."""
        observation = self._environment.reset_arrays(seed)
        self._read(observation, self._environment.privileged)
        self._environment.stagger()

    def iterate(self, progress: float) -> tuple[int, Metrics]:
        """Collect one rollout and learn from it."""
        # Annealing: late in the run only small steps are allowed, so that the final policy has converged.
        self._rate_max = max(LEARNING_RATE_MAX * (1.0 - progress), LEARNING_RATE_MIN)
        self._log_std_max = min(self._log_std_range[1], _log_std_ceiling(self.config, progress))
        self._bound_std()
        begin = time.perf_counter()
        self.collect()
        middle = time.perf_counter()
        metrics = self._learn()
        metrics["time/collect_s"] = middle - begin
        metrics["time/learn_s"] = time.perf_counter() - middle
        return self.config.rollout_steps * self._environment.num_envs, metrics

    def state(self) -> dict[str, Any]:
        """Return the state needed to resume bit for bit, without policy and environment."""
        return {
            "value": self.value.state_dict(),
            "value_scale": self._value_scale.state_dict(),
            "log_std": self.log_std.detach().clone(),
            "optimizer": self._optimizer.state_dict(),
            "generator": self._generator.get_state(),
            "privileged_normalizer": self._privileged_normalizer.state_dict(),
            "raw": self._raw.clone(),
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
        self._raw.copy_(state["raw"])

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

    def _read(self, observation: Floats, privileged: Floats) -> None:
        """Store the next observations, (n, O), and privileged values, (n, P)."""
        torch.cat((torch.from_numpy(observation), torch.from_numpy(privileged)), dim=-1, out=self._raw)

    def _normalized(self, raw: Tensor) -> Tensor:
        """Return normalised observations and privileged values, (n, O + P)."""
        observation, privileged = self._parts(raw)
        return torch.cat((self._policy.normalizer(observation), self._privileged_normalizer(privileged)), dim=-1)

    def _parts(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Split rows (…, O + P) into views of the observations and of the privileged values."""
        size = self._environment.observation_size
        return rows[..., :size], rows[..., size:]

    @torch.inference_mode()
    def collect(self) -> None:
        """Fill the rollout with steps of all environments."""
        rollout = self.rollout
        rollout.clear()
        noise = torch.randn(rollout.action.shape, generator=self._generator)
        std = self.log_std.exp()
        for step in range(rollout.steps):
            rollout.raw[step].copy_(self._raw)
            rollout.normalized[step].copy_(self._normalized(self._raw))
            rollout.mean[step].copy_(self._policy.mean(rollout.observation[step]))
            torch.addcmul(rollout.mean[step], noise[step], std, out=rollout.action[step])
            transition = self._environment.step_arrays(rollout.action[step].numpy())
            rollout.record(step, transition)
            self._read(transition.observation, transition.privileged)
        rollout.normalized[-1].copy_(self._normalized(self._raw))

    def _learn(self) -> Metrics:
        config, rollout = self.config, self.rollout
        old_log_std = self.log_std.detach().clone()
        normalized, old_mean, action = (
            rollout.steps_of(rows.flatten(0, 1)) for rows in (rollout.normalized[:-1], rollout.mean, rollout.action)
        )
        old_log_prob = gaussian_log_prob(action, old_mean, old_log_std)
        figures: list[Tensor] = []
        explained = 0.0
        for epoch in range(config.epochs):
            if epoch == 0 or config.recompute_advantages:
                advantage, target = self.targets(first=epoch == 0)
                if epoch == 0:
                    explained = _explained_variance(target - advantage, target)
                goal = self._value_scale.normalized(target) if config.normalize_values else target
                advantage = (advantage - advantage.mean()) / (advantage.std() + _ADVANTAGE_STD_MIN)
            order = torch.randperm(normalized.shape[0], generator=self._generator)
            for rows in order.chunk(config.minibatches):
                columns = (normalized, action, old_mean, old_log_prob, advantage, goal)
                figures.append(self._update(old_log_std, *(column[rows] for column in columns)))
        observation, privileged = self._parts(rollout.steps_of(rollout.raw.flatten(0, 1)))
        self._policy.normalizer.update(observation)
        self._privileged_normalizer.update(privileged)
        surrogate, fit, clipped, divergence = torch.stack(figures).mean(0).tolist()
        return {
            "loss/surrogate": surrogate,
            "loss/value": fit,
            "policy/clipped": clipped,
            "policy/kl": divergence,
            "policy/std": float(self.log_std.detach().exp().mean()),
            "policy/entropy": float(gaussian_entropy(self.log_std.detach())),
            "value/explained_variance": explained,
            "learning_rate": self._rate,
        }

    @torch.no_grad()
    def targets(self, *, first: bool) -> tuple[Tensor, Tensor]:
        """Return advantages and value targets of the rollout's steps, (T·n,) each, with the current value network."""
        config, rollout = self.config, self.rollout
        value = self.values(rollout.normalized.flatten(0, 1)).view(rollout.steps + 1, rollout.environments)
        rows, final = rollout.final()
        next_value = value[1:].clone()
        next_value.view(-1)[rows] = self.values(self._normalized(final))
        advantage = generalized_advantages(
            rollout.reward,
            value[:-1],
            next_value,
            rollout.terminated,
            rollout.ended,
            discount=config.discount,
            gae_lambda=config.gae_lambda,
        ).flatten()
        target = rollout.steps_of(advantage + value[:-1].flatten())
        advantage = rollout.steps_of(advantage)
        if first and config.normalize_values:
            self._value_scale.update(target, self.value.head)
        return advantage, target

    def values(self, normalized: Tensor) -> Tensor:
        """Return values in units of reward, (n,), for normalised rows, (n, O + P); two threads compute half each."""
        half = normalized.shape[0] // 2
        rest = self._second_thread.submit(self._value_outputs, normalized[half:])
        output = torch.cat((self._value_outputs(normalized[:half]), rest.result()))
        return self._value_scale.denormalized(output) if self.config.normalize_values else output

    @torch.no_grad()
    def _value_outputs(self, normalized: Tensor) -> Tensor:
        """Return outputs of the value network; `no_grad` is per thread, so it is set here."""
        output: Tensor = self.value(normalized)
        return output

    def _update(
        self,
        old_log_std: Tensor,
        normalized: Tensor,
        action: Tensor,
        old_mean: Tensor,
        old_log_prob: Tensor,
        advantage: Tensor,
        goal: Tensor,
    ) -> Tensor:
        """Take one gradient step on a mini-batch; return surrogate loss, value loss, clipped share and KL, (4,)."""
        config = self.config
        self._optimizer.zero_grad()
        # The two networks share no weights: their gradients are computed on two threads.
        fitting = self._second_thread.submit(self._fit_value, normalized, goal)
        mean = self._policy.mean(self._parts(normalized)[0])
        with torch.no_grad():
            divergence = gaussian_kl(old_mean, old_log_std, mean, self.log_std).mean()
        if config.target_kl is not None:
            self._rate = adapted_rate(self._rate, float(divergence), config.target_kl, self._rate_max)
        surrogate, clipped = clipped_surrogate(
            gaussian_log_prob(action, mean, self.log_std), old_log_prob, advantage, config.clip
        )
        torch.autograd.backward(surrogate - config.entropy_weight * gaussian_entropy(self.log_std))
        fit = fitting.result()
        nn.utils.clip_grad_norm_(self._parameters, config.gradient_norm_max)
        self._optimizer.step()
        self._bound_std()
        return torch.stack((surrogate.detach(), fit, clipped, divergence))

    @torch.no_grad()
    def _bound_std(self) -> None:
        """Clip the standard deviation of actions to its range and to the current ceiling."""
        self.log_std.clamp_(self._log_std_range[0], self._log_std_max)

    def _fit_value(self, normalized: Tensor, goal: Tensor) -> Tensor:
        """Compute the gradients of the value network; return its loss."""
        fit = value_loss(self.value(normalized), goal)
        torch.autograd.backward(self.config.value_weight * fit)
        return fit.detach()

    @property
    def _rate(self) -> float:
        return float(self._optimizer.param_groups[0]["lr"])

    @_rate.setter
    def _rate(self, rate: float) -> None:
        self._optimizer.param_groups[0]["lr"] = rate


def check_minibatches(config: PpoConfig, environments: int) -> None:
    """Refuse minibatches of one row: a single row has no spread to normalise by.

    Raises:
        ConfigError: The message says how many minibatches there may be.
    """
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
