"""SAC with a normalised critic, CrossQ (Bhatt et al. 2024, "Batch normalization in deep reinforcement learning").

    critics   (Q(s, a), Q(s', a')) = Q_θ([(s, a); (s', a')])  in one batch, with its moments,  a' ~ π
              minimise (Q(s, a) − y)²,  y = r + γ·(min(Q₁, Q₂)(s', a') − α·log π(a'|s')), no gradient through y
    actor     as SAC, with the running moments of the critics, every `policy_delay` updates

No target networks: normalised critics do not run away from their targets. The successor of a terminal state is in no
target, and here in no moment either. Only critics are normalised; the actor sees what the exported policy sees. In the
authors' code the actor is, too.
"""

from typing import Final

import torch
from torch import Tensor, nn

from sim2real.configs.errors import ConfigError
from sim2real.configs.schema.off_policy import NormalizedCriticConfig, SacConfig
from sim2real.training import team
from sim2real.training.algorithms.plain_sac import PlainSac
from sim2real.training.algorithms.recurrent_sac import RecurrentSac
from sim2real.training.algorithms.sac import Sac, Seen
from sim2real.training.algorithms.sac_loss import soft_target, soft_value
from sim2real.training.critics import Critics
from sim2real.training.environment_interface import Environment
from sim2real.training.memory import Memory
from sim2real.training.normalized_critics import NormalizedCritics
from sim2real.training.off_policy_learner import Figures


class CrossQ(Sac):
    """SAC with a normalised critic, bound to an environment."""

    def __init__(self, config: SacConfig, environment: Environment, seed: int) -> None:
        if config.value_network:
            raise ConfigError("algorithm.value_network: not with algorithm.normalized_critic; valid: one of the two")
        super().__init__(config, environment, seed)
        self._normalized: Final = config.normalized_critic or NormalizedCriticConfig()

    def _make_critic(self, inputs: int, generator: torch.Generator, memory: Memory) -> Critics:
        self._joint = NormalizedCritics(inputs, self.config, generator)
        return self._joint

    def _begin_targets(self) -> dict[str, nn.Module]:
        return {}

    def _improve(self, taken: Tensor, reward: Tensor, discount: Tensor, seen: Seen) -> Figures:
        """Update the critics, and when it is their turn actor and temperature, from steps with actions `taken`."""
        temperature = self.log_temperature.detach().exp()
        with torch.no_grad():
            next_action, next_log_prob = self._sample(seen.next_actor, self._batch.noise(taken))
        here = torch.full_like(discount, float(self._batch.weight > 0.0))
        counted = torch.cat((here, here * (discount != 0.0)))
        pair, following = (seen.critic, taken), (seen.next_critic, next_action)
        fitted, next_values = self._joint.jointly(pair, following, counted)
        target = soft_target(reward, discount, soft_value(next_values.detach(), next_log_prob, temperature))
        figures = self._fit_critics(fitted, target)
        if self.updates % self._normalized.policy_delay == 0:
            figures |= self._improve_actor(taken, seen, temperature)
        return figures


def make_sac(config: SacConfig, environment: Environment, seed: int) -> Sac:
    """Return SAC, with memory or a normalised critic where the configuration has one.

    Alone and without either, and with critics that value successors, its update is the one that is differentiated by
    hand.
    """
    kind: type[Sac] = Sac
    if config.memory is not None:
        kind = RecurrentSac
    elif config.normalized_critic is not None:
        kind = CrossQ
    elif not config.value_network and team.size() == 1:
        kind = PlainSac
    return kind(config, environment, seed)
