"""Soft actor-critic with twin critics and automatic temperature (Haarnoja et al. 2018, version with learned α)."""

from itertools import chain
from typing import Final

import torch
from torch import Tensor, nn

from sim2real.configs.schema.off_policy import SacConfig
from sim2real.training.algorithms.sac_loss import actor_loss, critic_loss, soft_target, temperature_loss
from sim2real.training.critics import Critics
from sim2real.training.distributions import tanh_gaussian_sample
from sim2real.training.environment_interface import Environment, Floats
from sim2real.training.networks import POLICY_HEAD_GAIN, linear
from sim2real.training.off_policy_learner import Figures, OffPolicyLearner
from sim2real.training.policy import Policy
from sim2real.training.replay_buffer import TransitionBatch
from sim2real.training.target_network import Target

# Bounds of the logarithm of the standard deviation, as in the authors' code, with a higher lower bound: std 0.0067.
_LOG_STD_MIN: Final = -5.0
_LOG_STD_MAX: Final = 2.0


class Sac(OffPolicyLearner):
    """SAC bound to an environment."""

    def __init__(self, config: SacConfig, environment: Environment, seed: int) -> None:
        self.config: Final = config
        generator = torch.Generator().manual_seed(seed)
        sizes = environment.observation_size, environment.action_size
        policy = Policy(config, *sizes, generator, squash=True)
        super().__init__(config, environment, generator, policy)
        width = config.hidden[-1] if config.hidden else sizes[0]
        self.log_std_head: Final = linear(width, sizes[1], POLICY_HEAD_GAIN, generator)
        self.critic: Final = Critics(self._inputs + sizes[1], config.hidden, config.activation, generator)
        self._target: Final = Target(self.critic)
        self.target_critic: Final = self._target.network
        self.log_temperature: Final = nn.Parameter(torch.tensor(config.initial_temperature).log())
        self._target_entropy: Final = -config.target_entropy_scale * sizes[1]
        self.learned.update(
            log_std_head=self.log_std_head,
            critic=self.critic,
            target_critic=self.target_critic,
            log_temperature=self.log_temperature,
        )
        # Actor and temperature in one step: neither loss has a gradient in the other's parameters.
        self._actor_adam: Final = self._adam(
            "actor", chain(policy.parameters(), self.log_std_head.parameters(), (self.log_temperature,))
        )
        self._critic_adam: Final = self._adam("critic", self.critic.parameters())

    def _explore(self, normalized: Tensor) -> Floats:
        actions: Floats = self._sample(normalized)[0].numpy()
        return actions

    def _sample(self, normalized: Tensor) -> tuple[Tensor, Tensor]:
        """Draw actions, (n, A), and their log-probabilities, (n,), for normalised observations."""
        features = self._policy.features(normalized)
        mean = self._policy.head(features)
        log_std = self.log_std_head(features).clamp(_LOG_STD_MIN, _LOG_STD_MAX)
        return tanh_gaussian_sample(mean, log_std, torch.randn(mean.shape, generator=self._generator))

    def _update(self, batch: TransitionBatch, inputs: Tensor, next_inputs: Tensor) -> Figures:
        """Update critics, actor, temperature and target critics once."""
        observation, _ = self._normalizer.parts(inputs)
        next_observation, _ = self._normalizer.parts(next_inputs)
        temperature = self.log_temperature.detach().exp()

        with torch.no_grad():
            next_action, next_log_prob = self._sample(next_observation)
            next_values = self.target_critic(next_inputs, next_action)
            target = soft_target(batch.reward, batch.discount, next_values, next_log_prob, temperature)
        fitted = self.critic(inputs, batch.action)
        loss = critic_loss(fitted, target)
        critic_norm = self._critic_adam.descend(loss)

        action, log_prob = self._sample(observation)
        values = self.critic(inputs, action)
        policy_loss = actor_loss(values, log_prob, temperature)
        # Only the actor's gradients are needed here, not those of the critics' weights.
        actor_norm = self._actor_adam.descend(
            policy_loss + temperature_loss(self.log_temperature, log_prob, self._target_entropy)
        )
        self._target.follow(self._critic_adam.block, self.config.polyak)
        with torch.no_grad():
            return {
                "loss/critic": loss.detach(),
                "loss/actor": policy_loss.detach(),
                "policy/entropy": -log_prob.mean(),
                "policy/temperature": temperature,
                "value/mean": values.mean(),
                "value/target": target.mean(),
                "value/twin_gap": (fitted[0] - fitted[1]).abs().mean(),
                "gradient_norm/critic": critic_norm,
                "gradient_norm/actor": actor_norm,
            }
