"""The deployed policy: one module shared by rollouts, evaluation and export."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn

from sim2real.configs.schema.algorithm import AlgorithmConfig
from sim2real.training.actor import Actor, Arrays
from sim2real.training.device import to_array
from sim2real.training.environment_interface import Floats
from sim2real.training.memory import State, make_memory
from sim2real.training.networks import POLICY_HEAD_GAIN, body, linear
from sim2real.training.normalizer import Normalizer

_ROWS: Final = 16
"""A product with few rows takes another way through the library, and rounds otherwise: one robot and thousands would
differ. Found equal in multiples of 16 for 132 sizes of layers on AVX-512, and not of 8."""


class Policy(nn.Module):
    """normalise → memory → body → mean → action: raw observations, (n, O), to actions, (n, A).

    Args:
        config: Source of the hidden layers, their activation, and the memory.
        observation_size: O
        action_size: A
        generator: Random numbers of the initial weights.
        squash: Whether tanh is applied to the mean (SAC). Otherwise the contract's clip bounds the action, as in
            training.
        choices: The only actions, (K, A): the head has a score for each, and the best is taken. None: any action.
    """

    def __init__(
        self,
        config: AlgorithmConfig,
        observation_size: int,
        action_size: int,
        generator: torch.Generator,
        *,
        squash: bool,
        choices: Tensor | None = None,
    ) -> None:
        super().__init__()
        hidden = config.hidden
        self.squash = squash
        self.normalizer = Normalizer(observation_size, config.normalizer_half_life)
        self.memory = make_memory(config.memory, observation_size, generator)
        width = observation_size + self.memory.width
        self.activation: Final = config.activation
        self.body = body(width, hidden, config.activation, generator)
        self.choices: Tensor | None
        self.register_buffer("choices", choices)
        outputs = action_size if choices is None else len(choices)
        self.head = linear(hidden[-1] if hidden else width, outputs, POLICY_HEAD_GAIN, generator)

    def features(self, remembered: Tensor) -> Tensor:
        """Return the inputs of the heads, (…, hidden[-1]), for normalised observations with the memory's output."""
        features: Tensor = self.body(remembered)
        return features

    def mean(self, remembered: Tensor) -> Tensor:
        """Return the mean of the action distribution before squashing, (…, A), for rows as of `features`.

        With choices, a score for each, (…, K).
        """
        mean: Tensor = self.head(self.features(remembered))
        return mean

    def forward(self, observation: Tensor, state: State = ()) -> tuple[Tensor, State]:
        """Return deterministic actions, (n, A), and the next state, for raw observations and a state, (n, H) each."""
        remembered, following = self.memory.step(self.normalizer(observation), state)
        mean = self.mean(remembered)
        if self.choices is not None:
            return self.choices[mean.argmax(-1)], following
        return (torch.tanh(mean) if self.squash else mean), following

    @property
    def device(self) -> torch.device:
        """Where its weights are."""
        return self.normalizer.shift.device

    def actor(self) -> Actor:
        """Return this policy for batches of robots, with a memory for each."""
        return Actor(self._act, self.memory.shapes)

    def act(self, observation: Floats) -> Floats:
        """Return the deterministic actions with which episodes begin, (n, O) to (n, A); without memory, all of them."""
        return self.actor()(observation)

    @torch.inference_mode()
    def shortfall(self, observation: Floats, action: Floats) -> float:
        """Return by how much the scores of chosen actions, (n, A), fall short of the best; infinite if one is none.

        Of scores beyond ±1, as the values of long episodes are, it is the share of the best one's size.
        """
        assert self.choices is not None  # noqa: S101 - asked of a policy with choices alone
        scores = self.mean(self.normalizer(torch.from_numpy(observation).to(self.device)))
        same = (torch.from_numpy(action).to(self.device).unsqueeze(1) == self.choices).all(-1)
        best = scores.max(-1).values
        short = best - scores.masked_fill(~same, -torch.inf).max(-1).values
        return float((short / best.abs().clamp(min=1.0)).max())

    @torch.inference_mode()
    def _act(self, observation: Floats, state: Arrays) -> tuple[Floats, Arrays]:
        n = len(observation)
        more = -n % _ROWS
        padded = (np.pad(values, ((0, more), (0, 0))) if more else values for values in (observation, *state))
        rows, *parts = (torch.from_numpy(values).to(self.device) for values in padded)
        actions, following = self(rows, tuple(parts))
        return to_array(actions[:n]), tuple(to_array(part[:n]) for part in following)


def observation_size_of(state: Mapping[str, Any]) -> int:
    """Return O of a policy from its `state_dict`."""
    return len(state["normalizer.moments.mean"])
