"""Soft actor-critic (Haarnoja et al. 2018, "Soft actor-critic algorithms and applications"), with twin critics.

    critics      y = r + γ·V(s'),  V(s) = min(Q₁', Q₂')(s, a) − α·log π(a|s),  a ~ π      equations 2, 3, 6
    actor        minimise α·log π(a|s) − min(Q₁, Q₂)(s, a)                                equation 9
    temperature  raise α while the entropy is below its target, −dim A                    equation 18

`learn_temperature: false` keeps α as it begins. `value_network: true` is the form of the first paper ("Soft
actor-critic: off-policy maximum entropy deep reinforcement learning"): V is a network of its own, fitted to
min(Q₁, Q₂)(s, a) − α·log π(a|s), and a slow copy of it values the successors. Its α is usually fixed. With memory it is
`recurrent_sac.py`, with a normalised critic `cross_q.py`; without either, `plain_sac.py` differentiates it by hand.
"""

from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor, nn

from sim2real.configs.schema.off_policy import SacConfig
from sim2real.training import team
from sim2real.training.algorithms.sac_loss import (
    actor_loss,
    critic_loss,
    soft_target,
    soft_value,
    temperature_loss,
    value_loss,
)
from sim2real.training.critics import Critics
from sim2real.training.device import placed, to_array
from sim2real.training.distributions import tanh_gaussian_sample
from sim2real.training.environment_interface import Environment, Floats
from sim2real.training.memory import Memory, make_memory
from sim2real.training.networks import POLICY_HEAD_GAIN, ValueNetwork, linear
from sim2real.training.off_policy_learner import Figures, OffPolicyLearner
from sim2real.training.policy import Policy
from sim2real.training.replay_buffer import TransitionBatch
from sim2real.training.symmetry import mirror_of
from sim2real.training.target_network import Target

# Bounds of the logarithm of the standard deviation, as in the authors' code, with a higher lower bound: std 0.0067.
LOG_STD_MIN: Final = -5.0
LOG_STD_MAX: Final = 2.0


@dataclass(frozen=True)
class Seen:
    """Rows of the networks in a batch; with memory, what it remembers stands behind what is seen."""

    actor: Tensor
    critic: Tensor
    next_actor: Tensor
    next_critic: Tensor
    """Of the slow critics."""


class Sac(OffPolicyLearner):
    """SAC bound to an environment."""

    def __init__(self, config: SacConfig, environment: Environment, seed: int) -> None:
        self.config: Final = config
        generator = torch.Generator().manual_seed(seed)
        sizes = environment.observation_size, environment.action_size
        policy = Policy(config, *sizes, generator, squash=True)
        mirror = mirror_of(environment, wanted=config.symmetry != "none")
        super().__init__(config, environment, generator, policy, mirror=mirror)
        width = config.hidden[-1] if config.hidden else sizes[0] + policy.memory.width
        self.log_std_head: Final = placed(linear(width, sizes[1], POLICY_HEAD_GAIN, generator))
        memory = make_memory(config.memory, self._inputs, generator)
        self.critic: Final = placed(self._make_critic(self._inputs + memory.width + sizes[1], generator, memory))
        self.log_temperature: Final = nn.Parameter(placed(torch.tensor(config.initial_temperature).log()))
        self._target_entropy: Final = -config.target_entropy_scale * sizes[1]
        self.learned.update(
            log_std_head=self.log_std_head,
            critic=self.critic,
            **self._begin_targets(),
            log_temperature=self.log_temperature,
        )
        self.value: ValueNetwork | None = None
        if config.value_network:
            self.value = placed(ValueNetwork(self._inputs, config.hidden, config.activation, generator))
            self._slow_value: Final = Target(self.value)
            self.learned.update(value=self.value, target_value=self._slow_value.network)
            self._value_adam: Final = self._adam("value", self.value.parameters())
        acting = [*policy.parameters(), *self.log_std_head.parameters()]
        self._acting_size: Final = sum(parameter.numel() for parameter in acting)
        # Actor and temperature in one step: neither loss has a gradient in the other's parameters.
        learned = [self.log_temperature] if config.learn_temperature else []
        betas = (0.9 if config.normalized_critic is None else config.normalized_critic.adam_beta1), 0.999
        self._actor_adam: Final = self._adam("actor", [*acting, *learned], betas)
        self._critic_adam: Final = self._adam("critic", self.critic.parameters(), betas)

    def _make_critic(self, inputs: int, generator: torch.Generator, memory: Memory) -> Critics:
        """Return the critics, of states with what is remembered and actions, `inputs` numbers."""
        return Critics(inputs, self.config.hidden, self.config.activation, generator, memory=memory)

    def _begin_targets(self) -> dict[str, nn.Module]:
        """Make what values successors; return it by name."""
        self._target = Target(self.critic)
        self.target_critic = self._target.network
        return {"target_critic": self.target_critic}

    def _explore(self, normalized: Tensor) -> Floats:
        return self._acted(normalized)

    def _acted(self, remembered: Tensor) -> Floats:
        """Return sampled actions of all environments, (n, A), for rows of the actor."""
        n, size = len(remembered) * team.size(), self._environment.action_size
        noise = placed(team.own(torch.randn((n, size), generator=self._generator), 0))
        return to_array(self._sample(remembered, noise)[0])

    def _sample(self, remembered: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
        """Draw actions, (n, A), and their log-probabilities, (n,), for rows of the actor and standard normal noise."""
        features = self._policy.features(remembered)
        mean = self._policy.head(features)
        log_std = self.log_std_head(features).clamp(LOG_STD_MIN, LOG_STD_MAX)
        return tanh_gaussian_sample(mean, log_std, noise)

    def _successor_value(self, seen: Seen, taken: Tensor, temperature: Tensor) -> Tensor:
        """Return the soft value of successors, (n,): of the slow value network, or of the slow critics."""
        if self.value is not None:
            value: Tensor = self._slow_value.network(seen.next_critic)[0]
            return value
        next_action, next_log_prob = self._sample(seen.next_actor, self._batch.noise(taken))
        return soft_value(self.target_critic(seen.next_critic, next_action), next_log_prob, temperature)

    def _update(self, batch: TransitionBatch, inputs: Tensor, next_inputs: Tensor) -> Figures:
        observation, _ = self._normalizer.parts(inputs)
        next_observation, _ = self._normalizer.parts(next_inputs)
        seen = Seen(observation, inputs, next_observation, next_inputs)
        return self._improve(batch.action, batch.reward, batch.discount, seen)

    def _improve(self, taken: Tensor, reward: Tensor, discount: Tensor, seen: Seen) -> Figures:
        """Update critics, actor, temperature, value network and targets once, from steps with actions `taken`."""
        temperature = self.log_temperature.detach().exp()
        with torch.no_grad():
            target = soft_target(reward, discount, self._successor_value(seen, taken, temperature))
        fitted = self.critic(seen.critic, taken)
        figures = self._fit_critics(fitted, target)
        figures |= self._improve_actor(taken, seen, temperature)
        if self.value is None:
            self._target.follow(self._critic_adam.block, self.config.polyak)
        return figures

    def _fit_critics(self, fitted: Tensor, target: Tensor) -> Figures:
        """Take a step of the critics, whose values, (2, n), have targets, (n,)."""
        loss = critic_loss(fitted, target)
        norm = self._critic_adam.descend(loss, self._batch.weight)
        with torch.no_grad():
            return {
                "loss/critic": loss.detach(),
                "value/target": target.mean(),
                "value/twin_gap": (fitted[0] - fitted[1]).abs().mean(),
                "gradient_norm/critic": norm,
            }

    def _improve_actor(self, taken: Tensor, seen: Seen, temperature: Tensor) -> Figures:
        """Take a step of actor and temperature, and of the value network where there is one."""
        inputs, weight = seen.critic.detach(), self._batch.weight
        action, log_prob = self._sample(seen.actor, self._batch.noise(taken))
        values = self.critic(inputs, action)
        policy_loss = actor_loss(values, log_prob, temperature)
        acting_loss = policy_loss
        if self.config.learn_temperature:
            acting_loss = policy_loss + temperature_loss(self.log_temperature, log_prob, self._target_entropy)
        # Only the actor's gradients are needed here, not those of the critics' weights.
        self._actor_adam.descend(acting_loss, weight)
        figures = {} if self.value is None else self._fit_value(inputs, soft_value(values, log_prob, temperature))
        with torch.no_grad():
            return figures | {
                "loss/actor": policy_loss.detach(),
                "policy/entropy": -log_prob.mean(),
                "policy/temperature": temperature,
                "value/mean": values.mean(),
                "gradient_norm/actor": torch.linalg.vector_norm(self._actor_adam.gradient[: self._acting_size]),
            }

    def _fit_value(self, inputs: Tensor, target: Tensor) -> Figures:
        """Take a step of the value network, and one of its slow copy towards it."""
        assert self.value is not None  # noqa: S101 - asked for where there is one
        loss = value_loss(self.value(inputs)[0], target.detach())
        norm = self._value_adam.descend(loss, self._batch.weight)
        self._slow_value.follow(self._value_adam.block, self.config.polyak)
        return {"loss/value": loss.detach(), "gradient_norm/value": norm}
