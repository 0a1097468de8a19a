"""TD3 and DDPG without autograd: the updates of `td3.py` and `ddpg.py`, differentiated by hand.

The equations and the order of the steps are theirs; a test holds them against each other. The actor's gradient goes
back through the first critic to its actions, and from there through tanh, 1 − a², to the network:

    ∂L/∂Q = 2·(Q − y)/B,   ∂(−mean Q₁)/∂μ = −1/B·∂Q₁/∂a·(1 − a²)
"""

from typing import Final

import torch
from torch import Tensor

from sim2real.configs.schema.off_policy import DdpgConfig, Td3Config
from sim2real.training.algorithms.ddpg import Ddpg, ddpg_target
from sim2real.training.algorithms.td3 import Td3, smoothed, td3_target
from sim2real.training.critics import Critics
from sim2real.training.environment_interface import Environment
from sim2real.training.flat_adam import FlatAdam
from sim2real.training.layered_pass import LayeredPass, Memory, linear_layers, stacked_layers
from sim2real.training.off_policy_learner import Figures
from sim2real.training.policy import Policy
from sim2real.training.replay_buffer import TransitionBatch


class Passes:
    """A deterministic actor, K critics and slow copies of both, over batches of B rows.

    Args:
        config: B, and the activation.
        policies: The actor, and its slow copy.
        critics: The critics, and their slow copies.
        inputs: O + P, width of a state as critics see it.
    """

    def __init__(
        self,
        config: Td3Config | DdpgConfig,
        policies: tuple[Policy, Policy],
        critics: tuple[Critics, Critics],
        inputs: int,
    ) -> None:
        rows, activation, hidden = config.batch, config.activation, len(config.hidden)
        acting = [linear_layers(policy.body, policy.head) for policy in policies]
        valuing = [stacked_layers(critic.weights, critic.biases) for critic in critics]
        first = [layer.first() for layer in valuing[0]]
        memories = Memory(acting[0], rows), Memory(valuing[0], rows)
        self._actor, self._slow_actor = (LayeredPass(each, activation, hidden, memories[0]) for each in acting)
        self._critics, self._slow_critics = (LayeredPass(each, activation, hidden, memories[1]) for each in valuing)
        self._first: Final = LayeredPass(first, activation, hidden, Memory(first, rows))
        self._count: Final = critics[0].count
        self._inputs: Final = inputs
        action_size = policies[0].head.out_features
        self._rows: Final = valuing[0][0].weight.new_empty(rows, inputs + action_size)

    def slow_action(self, observation: Tensor) -> Tensor:
        """Return the actions of the slow actor, (B, A), for normalised observations, (B, O)."""
        return torch.tanh(self._slow_actor.forward(observation.unsqueeze(0))[0])

    def slow_values(self, states: Tensor, action: Tensor) -> Tensor:
        """Return the values of the slow critics, (K, B); valid until the next pass of critics."""
        return self._valued(self._slow_critics, states, action, self._count)

    def fit(self, states: Tensor, action: Tensor, target: Tensor, adam: FlatAdam) -> tuple[Tensor, Tensor]:
        """Take a step of the critics towards targets, (B,); return their values before it, (K, B), and the norm."""
        fitted = self._valued(self._critics, states, action, self._count).clone()
        self._critics.fit(((fitted - target) * (2.0 / len(target))).unsqueeze(-1))
        return fitted, adam.step()

    def improve(self, observation: Tensor, states: Tensor, adam: FlatAdam) -> tuple[Tensor, Tensor]:
        """Take a step of the actor up the first critic; return its loss, −mean Q₁, and the norm."""
        action = torch.tanh(self._actor.forward(observation.unsqueeze(0))[0])
        values = self._valued(self._first, states, action, 1)
        loss = -values.mean()
        of_action = self._first.of_inputs(torch.full_like(values, -1.0 / len(action)).unsqueeze(-1), self._inputs)[0]
        self._actor.fit(torch.addcmul(of_action, of_action, action.square(), value=-1.0).unsqueeze(0))
        return loss, adam.step()

    def _valued(self, critics: LayeredPass, states: Tensor, action: Tensor, count: int) -> Tensor:
        torch.cat((states, action), dim=-1, out=self._rows)
        return critics.forward(self._rows.expand(count, -1, -1)).squeeze(-1)


class PlainTd3(Td3):
    """TD3 without autograd, bound to an environment."""

    def __init__(self, config: Td3Config, environment: Environment, seed: int) -> None:
        super().__init__(config, environment, seed)
        policies, critics = (self._policy, self.target_policy), (self.critic, self.target_critic)
        self._passes: Final = Passes(config, policies, critics, self._inputs)

    @torch.no_grad()
    def _update(self, batch: TransitionBatch, inputs: Tensor, next_inputs: Tensor) -> Figures:
        passes, config = self._passes, self.config
        next_observation, _ = self._normalizer.parts(next_inputs)
        noise = self._target_noise(batch.action)
        next_action = smoothed(passes.slow_action(next_observation), noise, config.target_noise_clip)
        target = td3_target(batch.reward, batch.discount, passes.slow_values(next_inputs, next_action))
        fitted, norm = passes.fit(inputs, batch.action, target, self._critic_adam)
        figures = {
            "loss/critic": (fitted - target).square().mean(-1).sum(),
            "value/mean": fitted.mean(),
            "value/target": target.mean(),
            "value/twin_gap": (fitted[0] - fitted[1]).abs().mean(),
            "gradient_norm/critic": norm,
        }
        if self.updates % config.policy_delay == 0:
            observation, _ = self._normalizer.parts(inputs)
            figures["loss/actor"], figures["gradient_norm/actor"] = passes.improve(
                observation, inputs, self._actor_adam
            )
            self._follow()
        return figures


class PlainDdpg(Ddpg):
    """DDPG without autograd, bound to an environment."""

    def __init__(self, config: DdpgConfig, environment: Environment, seed: int) -> None:
        super().__init__(config, environment, seed)
        policies, critics = (self._policy, self.target_policy), (self.critic, self.target_critic)
        self._passes: Final = Passes(config, policies, critics, self._inputs)

    @torch.no_grad()
    def _update(self, batch: TransitionBatch, inputs: Tensor, next_inputs: Tensor) -> Figures:
        passes = self._passes
        observation, _ = self._normalizer.parts(inputs)
        next_observation, _ = self._normalizer.parts(next_inputs)
        next_values = passes.slow_values(next_inputs, passes.slow_action(next_observation))
        target = ddpg_target(batch.reward, batch.discount, next_values[0])
        fitted, critic_norm = passes.fit(inputs, batch.action, target, self._critic_adam)
        policy_loss, actor_norm = passes.improve(observation, inputs, self._actor_adam)
        self._follow()
        return {
            "loss/critic": (fitted[0] - target).square().mean(),
            "loss/actor": policy_loss,
            "value/mean": fitted.mean(),
            "value/target": target.mean(),
            "gradient_norm/critic": critic_norm,
            "gradient_norm/actor": actor_norm,
        }
