"""Deep deterministic policy gradient (Lillicrap et al. 2016, "Continuous control with deep reinforcement learning").

The actor μ is deterministic. With slow copies μ', Q' of actor and critic:

    critic   minimise (Q(s, a) − y)²,  y = r + γ·Q'(s', μ'(s'))          equation 5; no second term at a terminal state
    actor    ascend ∇_θ Q(s, μ_θ(s))                                     equation 6, the deterministic policy gradient
    targets  θ' ← τ·θ + (1 − τ)·θ'                                       τ is `polyak`

Actions are explored with noise. The paper's is correlated in time (`noise_correlation` 0.85); white noise does as well
(Fujimoto et al. 2018, §6) and is the default. Left out: batch normalisation, as observations are normalised by running
moments, and weight decay. `plain_deterministic.py` differentiates all of it by hand.
"""

from typing import Final

import torch
from torch import Tensor

from sim2real.configs.schema.off_policy import DdpgConfig
from sim2real.training.action_noise import ActionNoise
from sim2real.training.critics import Critics
from sim2real.training.device import placed, to_array
from sim2real.training.environment_interface import Environment, Floats
from sim2real.training.off_policy_learner import Figures, OffPolicyLearner
from sim2real.training.policy import Policy
from sim2real.training.replay_buffer import TransitionBatch
from sim2real.training.symmetry import mirror_of
from sim2real.training.target_network import Target


class Ddpg(OffPolicyLearner):
    """DDPG bound to an environment."""

    def __init__(self, config: DdpgConfig, environment: Environment, seed: int) -> None:
        self.config: Final = config
        generator = torch.Generator().manual_seed(seed)
        sizes = environment.observation_size, environment.action_size
        policy = Policy(config, *sizes, generator, squash=True)
        mirror = mirror_of(environment, wanted=config.symmetry != "none")
        super().__init__(config, environment, generator, policy, mirror=mirror)
        self.critic: Final = placed(
            Critics(self._inputs + sizes[1], config.hidden, config.activation, generator, count=1)
        )
        self._slow_critic: Final = Target(self.critic)
        self._slow_policy: Final = Target(policy)
        self.target_critic, self.target_policy = self._slow_critic.network, self._slow_policy.network
        self.learned.update(critic=self.critic, target_critic=self.target_critic, target_policy=self.target_policy)
        self._noise: Final = placed(
            ActionNoise(config.exploration_std, config.noise_correlation, environment.num_envs, sizes[1])
        )
        self.kept.update(noise=self._noise)
        self._actor_adam: Final = self._adam("actor", policy.parameters())
        self._critic_adam: Final = self._adam("critic", self.critic.parameters())

    def _explore(self, normalized: Tensor) -> Floats:
        return to_array(self._noise(torch.tanh(self._policy.mean(normalized)), self._generator))

    def _update(self, batch: TransitionBatch, inputs: Tensor, next_inputs: Tensor) -> Figures:
        """Update critic, actor and targets once."""
        observation, _ = self._normalizer.parts(inputs)
        next_observation, _ = self._normalizer.parts(next_inputs)
        with torch.no_grad():
            next_action = torch.tanh(self.target_policy.mean(next_observation))
            target = ddpg_target(batch.reward, batch.discount, self.target_critic(next_inputs, next_action)[0])
        fitted = self.critic(inputs, batch.action)[0]
        loss = (fitted - target).square().mean()
        critic_norm = self._critic_adam.descend(loss)

        values = self.critic(inputs, torch.tanh(self._policy.mean(observation)))[0]
        policy_loss = -values.mean()
        actor_norm = self._actor_adam.descend(policy_loss)
        self._follow()
        return {
            "loss/critic": loss.detach(),
            "loss/actor": policy_loss.detach(),
            "value/mean": fitted.detach().mean(),
            "value/target": target.mean(),
            "gradient_norm/critic": critic_norm,
            "gradient_norm/actor": actor_norm,
        }

    def _follow(self) -> None:
        """Let both slow copies take a step."""
        self._slow_critic.follow(self._critic_adam.block, self.config.polyak)
        self._slow_policy.follow(self._actor_adam.block, self.config.polyak)


def ddpg_target(reward: Tensor, discount: Tensor, next_value: Tensor) -> Tensor:
    """Return y = r + γ·Q'(s', μ'(s')), (n,); the discount is 0 after a terminal state."""
    return torch.addcmul(reward, discount, next_value)
