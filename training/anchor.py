"""The policy that a run began from, kept to hold on to: kickstarting (Schmitt et al. 2018)."""

from copy import deepcopy
from typing import Final

import torch
from torch import Tensor, nn

from sim2real.configs.schema.algorithm import AnchorConfig
from sim2real.training.action_distribution import ActionDistribution
from sim2real.training.policy import Policy


class Anchor(nn.Module):
    """Adds w·E[KL(π₀ ‖ π)] to the loss of a policy, π₀ the policy of the run's beginning, in the states of π.

    w falls linearly from `weight` to 0 over the first `share` of the run: at first the run keeps what it began from,
    in the end the reward alone counts. π₀ keeps its own moments of the observations, and its own spread.

    Args:
        config: Weight and share.
        policy: The policy, without memory.
        distribution: Of its actions.
    """

    def __init__(self, config: AnchorConfig, policy: Policy, distribution: ActionDistribution) -> None:
        super().__init__()
        self._config: Final = config
        self.policy = deepcopy(policy).requires_grad_(False)
        self.distribution = distribution.frozen()

    def take(self, policy: Policy, distribution: ActionDistribution) -> None:
        """Let π₀ be a policy as it is now."""
        self.policy.load_state_dict(policy.state_dict())
        self.distribution.load_state_dict(distribution.state_dict())

    def weight(self, progress: float) -> float:
        """Return w at a share of the run, from 0 to 1."""
        return self._config.weight * max(1.0 - progress / self._config.share, 0.0)

    @torch.no_grad()
    def outputs(self, raw: Tensor) -> Tensor:
        """Return what π₀ gives for raw observations, (…, O) to (…, A); of discrete actions, scores."""
        return self.policy.mean(self.policy.normalizer(raw))

    def divergence(self, own_output: Tensor, distribution: ActionDistribution, output: Tensor) -> Tensor:
        """Return E[KL(π₀ ‖ π)], nat, with gradients of π.

        Args:
            own_output: π₀'s outputs, (k, A).
            distribution: Of the actions of π.
            output: π's outputs in the same states, (k, A).
        """
        return distribution.divergence(self.distribution, own_output, output).mean()
