"""Mirror images of what a learner sees and does, of robots whose two sides are alike (Mittal et al. 2024).

A policy of such a robot should do in a mirrored state what it does in the state itself, mirrored: μ(M s) = M μ(s). With
memory s is all that an episode has shown so far. Its image is an episode of its own, with its own memory.
"""

from dataclasses import replace
from typing import Final, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sim2real.configs.errors import ConfigError
from sim2real.training.device import from_array
from sim2real.training.environment_interface import Environment
from sim2real.training.memory import State
from sim2real.training.replay_buffer import TransitionBatch
from sim2real.training.rollout import Minibatch
from sim2real.training.sequence_replay import Sequences


class Permutation(Protocol):
    """image[k] = sign[k] · row[index[k]]."""

    @property
    def index(self) -> NDArray[np.intp]:
        """Places, (W,)."""

    @property
    def sign(self) -> NDArray[np.float64]:
        """Signs, ±1, (W,)."""


class Mirror:
    """Mirror images as tensors.

    Args:
        observation: Of observations.
        privileged: Of privileged values.
        action: Of actions.
    """

    def __init__(self, observation: Permutation, privileged: Permutation, action: Permutation) -> None:
        self._rows: Final = _joined(observation, privileged)
        self._actions: Final = _joined(action)

    def rows(self, rows: Tensor) -> Tensor:
        """Return the images of observations, (…, O), or of critics' rows, (…, O + P)."""
        index, sign = (part[: rows.shape[-1]] for part in self._rows)
        return rows[..., index] * sign

    def actions(self, actions: Tensor) -> Tensor:
        """Return the images of actions, (…, A)."""
        index, sign = self._actions
        return actions[..., index] * sign

    def doubled(self, batch: Minibatch, acted: int = 2) -> Minibatch:
        """Return rows of a rollout with their images behind them; their first `acted` columns are actions."""
        moved = tuple(torch.cat((column, self.actions(column))) for column in batch.columns[:acted])
        same = tuple(torch.cat((column, column)) for column in batch.columns[acted:])
        policy_image, value_image = batch.image_states
        return replace(
            batch,
            inputs=torch.cat((batch.inputs, self.rows(batch.inputs)), dim=-2),
            columns=moved + same,
            policy_state=_beside(batch.policy_state, policy_image),
            value_state=_beside(batch.value_state, value_image),
            ended=None if batch.ended is None else torch.cat((batch.ended, batch.ended), dim=1),
            doubled=True,
        )

    def reflect(self, batch: TransitionBatch, count: int) -> None:
        """Replace the first `count` of drawn transitions by their images, in place."""
        for rows in (batch.inputs, batch.next_inputs):
            rows[:count] = self.rows(rows[:count])
        batch.action[:count] = self.actions(batch.action[:count])

    def reflect_sequences(self, drawn: Sequences) -> None:
        """Replace the first half of drawn sequences by their images, in place.

        Their states are those of the networks, and after them those of the same networks in the images.
        """
        half = drawn.reward.shape[1] // 2
        for rows in (drawn.inputs, drawn.next_inputs):
            rows[:, :half] = self.rows(rows[:, :half])
        drawn.action[:, :half] = self.actions(drawn.action[:, :half])
        networks = len(drawn.states) // 2
        for own, image in zip(drawn.states[:networks], drawn.states[networks:], strict=True):
            for part, other in zip(own, image, strict=True):
                part[:half] = other[:half]


def mirror_of(environment: Environment, *, wanted: bool) -> Mirror | None:
    """Return the mirror of an environment, its `mirror`; None where none is wanted.

    Args:
        environment: The environment; ours has a mirror if its robot has one.
        wanted: Whether the learner uses it.

    Raises:
        ConfigError: There is none; the message begins with the setting that asks for it.
    """
    if not wanted:
        return None
    try:
        found = getattr(environment, "mirror", None)
    except ConfigError as error:
        raise ConfigError(f"algorithm.symmetry: {error}") from error
    if found is None:
        raise ConfigError("algorithm.symmetry: the environment has no mirror; valid: none")
    return Mirror(found.observation, found.privileged, found.action)


def _beside(state: State, image: State) -> State:
    return tuple(torch.cat(pair) for pair in zip(state, image, strict=True))


def _joined(*parts: Permutation) -> tuple[Tensor, Tensor]:
    index, start = list[NDArray[np.intp]](), 0
    for part in parts:
        index.append(part.index + start)
        start += len(part.index)
    sign = np.concatenate([part.sign for part in parts]).astype(np.float32)
    return from_array(np.concatenate(index)), from_array(sign)
