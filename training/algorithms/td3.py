"""Twin delayed deterministic policy gradient (Fujimoto et al. 2018, "Addressing function approximation error").

DDPG overestimates: the actor finds the errors of its critic. TD3 has three remedies, each a switch:

    twin critics       y = r + γ·min(Q₁', Q₂')(s', ã)                   equation 10
    smoothed targets   ã = clip(μ'(s') + clip(ε, ±c), ±1), ε ~ N(0, σ̃)   equation 14: `target_noise_std`, …`_clip`
    delayed actor      actor and targets every d-th update              algorithm 1: `policy_delay`

The actor ascends ∇_θ Q₁(s, μ_θ(s)). Exploration is white noise, as in the paper. In `plain_deterministic.py` all of
it is differentiated by hand.
"""

from typing import Final

import torch
from torch import Tensor

from sim2real.configs.schema.off_policy import Td3Config
from sim2real.training.action_noise import ActionNoise
from sim2real.training.critics import Critics
from sim2real.training.device import placed, to_array
from sim2real.training.environment_interface import Environment, Floats
from sim2real.training.off_policy_learner import Figures, OffPolicyLearner
from sim2real.training.policy import Policy
from sim2real.training.replay_buffer import TransitionBatch
from sim2real.training.symmetry import mirror_of
from sim2real.training.target_network import Target


class Td3(OffPolicyLearner):
    """TD3 bound to an environment."""

    def __init__(self, config: Td3Config, environment: Environment, seed: int) -> None:
        self.config: Final = config
        generator = torch.Generator().manual_seed(seed)
        sizes = environment.observation_size, environment.action_size
        policy = Policy(config, *sizes, generator, squash=True)
        mirror = mirror_of(environment, wanted=config.symmetry != "none")
        super().__init__(config, environment, generator, policy, mirror=mirror)
        self.critic: Final = placed(Critics(self._inputs + sizes[1], config.hidden, config.activation, generator))
        self._slow_critic: Final = Target(self.critic)
        self._slow_policy: Final = Target(policy)
        self.target_critic, self.target_policy = self._slow_critic.network, self._slow_policy.network
        self.learned.update(critic=self.critic, target_critic=self.target_critic, target_policy=self.target_policy)
        self._noise: Final = placed(ActionNoise(config.exploration_std, 0.0, environment.num_envs, sizes[1]))
        self._actor_adam: Final = self._adam("actor", policy.parameters())
        self._critic_adam: Final = self._adam("critic", self.critic.parameters())

    def _explore(self, normalized: Tensor) -> Floats:
        return to_array(self._noise(torch.tanh(self._policy.mean(normalized)), self._generator))

    def _update(self, batch: TransitionBatch, inputs: Tensor, next_inputs: Tensor) -> Figures:
        """Update the critics, and at every `policy_delay`-th time actor and targets."""
        config = self.config
        next_observation, _ = self._normalizer.parts(next_inputs)
        with torch.no_grad():
            noise = self._target_noise(batch.action)
            mean = torch.tanh(self.target_policy.mean(next_observation))
            next_action = smoothed(mean, noise, config.target_noise_clip)
            target = td3_target(batch.reward, batch.discount, self.target_critic(next_inputs, next_action))
        fitted = self.critic(inputs, batch.action)
        loss = (fitted - target).square().mean(-1).sum()
        critic_norm = self._critic_adam.descend(loss)
        figures = {
            "loss/critic": loss.detach(),
            "value/mean": fitted.detach().mean(),
            "value/target": target.mean(),
            "value/twin_gap": (fitted[0] - fitted[1]).detach().abs().mean(),
            "gradient_norm/critic": critic_norm,
        }
        if self.updates % config.policy_delay == 0:
            figures |= self._update_actor(inputs)
        return figures

    def _target_noise(self, action: Tensor) -> Tensor:
        """Return ε of the smoothed targets, (n, A)."""
        return placed(torch.randn(action.shape, generator=self._generator)) * self.config.target_noise_std

    def _follow(self) -> None:
        """Let both slow copies take a step."""
        self._slow_critic.follow(self._critic_adam.block, self.config.polyak)
        self._slow_policy.follow(self._actor_adam.block, self.config.polyak)

    def _update_actor(self, inputs: Tensor) -> Figures:
        observation, _ = self._normalizer.parts(inputs)
        loss = -self.critic.first(inputs, torch.tanh(self._policy.mean(observation))).mean()
        norm = self._actor_adam.descend(loss)
        self._follow()
        return {"loss/actor": loss.detach(), "gradient_norm/actor": norm}


def smoothed(action: Tensor, noise: Tensor, clip: float) -> Tensor:
    """Return clip(a + clip(ε, ±c), ±1), (n, A): values of actions close to each other should be close."""
    return (action + noise.clamp(-clip, clip)).clamp(-1.0, 1.0)


def td3_target(reward: Tensor, discount: Tensor, next_values: Tensor) -> Tensor:
    """Return y = r + γ·min(Q₁', Q₂'), (n,); `next_values` is (2, n); the discount is 0 after a terminal state."""
    return torch.addcmul(reward, discount, torch.minimum(next_values[0], next_values[1]))
