"""The deployed policy: one module shared by rollouts, evaluation and export."""

import numpy as np
import torch
from torch import Tensor, nn

from sim2real.configs.schema.algorithm import PpoConfig, SacConfig
from sim2real.runtime.contract.spec import Contract
from sim2real.training.environment_interface import Floats
from sim2real.training.networks import POLICY_HEAD_GAIN, body, linear
from sim2real.training.normalizer import Normalizer


class Policy(nn.Module):
    """normalise → body → mean → action: raw observations, (n, O), to actions, (n, A).

    `squash` applies tanh to the mean (SAC). Otherwise the contract's clip bounds the action, as in training.
    """

    def __init__(
        self, config: PpoConfig | SacConfig, observation_size: int, action_size: int, generator: torch.Generator
    ) -> None:
        super().__init__()
        hidden = config.hidden
        self.squash = config.name == "sac"
        self.normalizer = Normalizer(observation_size)
        self.body = body(observation_size, hidden, config.activation, generator)
        self.head = linear(hidden[-1] if hidden else observation_size, action_size, POLICY_HEAD_GAIN, generator)

    def features(self, normalized: Tensor) -> Tensor:
        """Return the inputs of the heads, (n, hidden[-1]), for normalised observations."""
        features: Tensor = self.body(normalized)
        return features

    def mean(self, normalized: Tensor) -> Tensor:
        """Return the mean of the action distribution before squashing, (n, A), for normalised observations."""
        mean: Tensor = self.head(self.features(normalized))
        return mean

    def forward(self, observation: Tensor) -> Tensor:
        """Return deterministic actions, (n, A), for raw observations."""
        mean = self.mean(self.normalizer(observation))
        return torch.tanh(mean) if self.squash else mean

    @torch.inference_mode()
    def act(self, observation: Floats) -> Floats:
        """Return deterministic actions for a numpy batch, (n, O) to (n, A)."""
        actions: Floats = self(torch.from_numpy(np.ascontiguousarray(observation))).numpy()
        return actions


def empty_policy(config: PpoConfig | SacConfig, contract: Contract) -> Policy:
    """Return a policy of the right shape, to load a state into."""
    return Policy(config, contract.observation_size, contract.action_size, torch.Generator().manual_seed(0))
