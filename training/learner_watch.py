"""Watches a learner: losses, weights, moments of optimizers and normalisers must stay finite."""

import math
from collections.abc import Mapping
from typing import Any, Final

import torch
from torch import Tensor, nn

from sim2real.configs.errors import NonFiniteError
from sim2real.training.algorithms.interface import Algorithm, Metrics
from sim2real.training.finite import require_finite, tensors_of

_MEASURED: Final = "metrics"
"""Part of an environment's state that may be NaN: nothing was measured yet."""


class LearnerWatch:
    """Finds the modules, parameters and optimizers of any learner among its attributes, and checks them together.

    A learner from outside needs to do nothing for it. What it keeps elsewhere is checked in `state()`, before a
    checkpoint is written.

    Args:
        learner: The learner.
    """

    def __init__(self, learner: Algorithm) -> None:
        self._learner = learner

    def after_iteration(self, metrics: Metrics) -> None:
        """Check the losses of an iteration, and every weight and moment after it.

        Other figures may be NaN: there may be nothing to measure.

        Raises:
            NonFiniteError: One is not finite; the message names it.
        """
        for name, value in metrics.items():
            if "loss" in name and not math.isfinite(value):
                raise NonFiniteError(f"{name} is {value}")
        require_finite(self._tensors())

    @staticmethod
    def before_checkpoint(policy: Mapping[str, Any], algorithm: Mapping[str, Any], environment: object) -> None:
        """Check all that a checkpoint would hold.

        Raises:
            NonFiniteError: A number of the learner is not finite, or one of the environment is NaN.
        """
        require_finite(dict(tensors_of(policy, "policy")))
        require_finite(dict(tensors_of(algorithm, "algorithm")))
        for name, tensor in tensors_of(environment, "environment"):
            parts = name.split(".")
            if _MEASURED not in parts and bool(torch.isnan(tensor).any()):
                raise NonFiniteError(f"{name} is nan in {int(torch.isnan(tensor).sum())} of {tensor.numel()} numbers")

    def _tensors(self) -> dict[str, Tensor]:
        """Return the tensors of the policy, and of the learner's modules, parameters and optimizers, by name."""
        parts: dict[str, object] = {"policy": self._learner.policy, **getattr(self._learner, "__dict__", {})}
        found: dict[int, tuple[str, Tensor]] = {}
        for attribute, value in parts.items():
            for part, of in _learned(value, attribute.lstrip("_")):
                for name, tensor in tensors_of(of, part):
                    found.setdefault(tensor.data_ptr(), (name, tensor))  # lists of parameters name them again
        return dict(found.values())


def _learned(value: object, name: str) -> list[tuple[str, nn.Module | nn.Parameter | torch.optim.Optimizer]]:
    """Return what of an attribute is learned: not buffers of data, which may be large and not yet filled."""
    if isinstance(value, nn.Module | nn.Parameter | torch.optim.Optimizer):
        return [(name, value)]
    if isinstance(value, Mapping):
        return [found for key, entry in value.items() for found in _learned(entry, f"{name}.{key}")]
    if isinstance(value, list | tuple):
        return [found for index, entry in enumerate(value) for found in _learned(entry, f"{name}.{index}")]
    return []
