"""Rows of a critic: an observation and the privileged values beside it, each normalised by its own moments."""

from collections.abc import Callable
from typing import Final

import torch
from torch import Tensor

from sim2real.training.device import placed
from sim2real.training.environment_interface import Environment
from sim2real.training.normalizer import Normalizer


def privileged_normalizer(environment: Environment, half_life: float | None) -> Normalizer:
    """Return a normaliser of an environment's privileged values; those that come scaled pass as they are."""
    scaled = getattr(environment, "privileged_scaled", None)
    return placed(Normalizer(environment.privileged_size, half_life, scaled))


class RowNormalizer:
    """Normalises rows of O observation values and P privileged values.

    Args:
        observation: Normaliser of the policy, O values.
        privileged: Normaliser of the privileged values, P values.
        image: Gives the mirror images of rows: the moments are then those of rows and images.
    """

    def __init__(
        self, observation: Normalizer, privileged: Normalizer, image: Callable[[Tensor], Tensor] | None = None
    ) -> None:
        self._observation: Final = observation
        self._privileged: Final = privileged
        self._image: Final = image
        self._size: Final = observation.shift.numel()

    def __call__(self, raw: Tensor) -> Tensor:
        """Return normalised rows, (n, O + P)."""
        observation, privileged = self.parts(raw)
        if not privileged.shape[-1]:
            normalized: Tensor = self._observation(observation)
            return normalized
        return torch.cat((self._observation(observation), self._privileged(privileged)), dim=-1)

    def parts(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Split rows (…, O + P) into views of the observations and of the privileged values."""
        return rows[..., : self._size], rows[..., self._size :]

    def update(self, raw: Tensor) -> None:
        """Update the moments from raw rows, (n, O + P)."""
        weight = 1.0
        if self._image is not None:
            raw, weight = torch.cat((raw, self._image(raw))), 0.5
        observation, privileged = self.parts(raw)
        self._observation.update(observation, weight)
        self._privileged.update(privileged, weight)
