"""The deployed view of an actor: one module that rollouts, evaluation and export share, so that none can drift."""

import numpy as np
import torch
from torch import Tensor, nn

from sim2real.configs.schema.algorithm import AlgorithmConfig
from sim2real.runtime.contract.spec import Contract
from sim2real.training.algorithms import algorithm_kind
from sim2real.training.environment import Floats
from sim2real.training.networks import POLICY_HEAD_GAIN, body, linear
from sim2real.training.normalizer import Normalizer


class Policy(nn.Module):
    """normalise → body → mean → action: (n, O) raw observations to (n, A) actions.

    Args:
        config: Gives the hidden layers and their activation.
        observation_size: O
        action_size: A
        generator: Gives the first weights.
        squash: Whether tanh is applied to the mean (SAC). Otherwise the contract's clip bounds the action, as it does
            in training.
    """

    def __init__(
        self,
        config: AlgorithmConfig,
        observation_size: int,
        action_size: int,
        generator: torch.Generator,
        *,
        squash: bool,
    ) -> None:
        super().__init__()
        hidden = config.hidden
        self.squash = squash
        self.normalizer = Normalizer(observation_size)
        self.body = body(observation_size, hidden, config.activation, generator)
        self.head = linear(hidden[-1] if hidden else observation_size, action_size, POLICY_HEAD_GAIN, generator)

    def features(self, normalized: Tensor) -> Tensor:
        """Return what the heads see, (n, hidden[-1]), of normalised observations."""
        features: Tensor = self.body(normalized)
        return features

    def mean(self, normalized: Tensor) -> Tensor:
        """Return the mean of the action distribution before squashing, (n, A), of normalised observations."""
        mean: Tensor = self.head(self.features(normalized))
        return mean

    def forward(self, observation: Tensor) -> Tensor:
        """Return the deterministic action, (n, A), of raw observations."""
        mean = self.mean(self.normalizer(observation))
        return torch.tanh(mean) if self.squash else mean

    @torch.inference_mode()
    def act(self, observation: Floats) -> Floats:
        """Return deterministic actions for a numpy batch, (n, O) to (n, A)."""
        actions: Floats = self(torch.from_numpy(np.ascontiguousarray(observation))).numpy()
        return actions


def empty_policy(config: AlgorithmConfig, contract: Contract) -> Policy:
    """Return a policy of the right shape for a state to be loaded into. Raises as `algorithm_kind`."""
    sizes = contract.observation_size, contract.action_size
    return Policy(config, *sizes, torch.Generator().manual_seed(0), squash=algorithm_kind(config).squashed)
