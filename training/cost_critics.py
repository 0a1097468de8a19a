"""Values and advantages of costs: a network for each cost, beside that of the reward."""

from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from typing import Any, Final

import torch
from torch import Tensor, nn

from sim2real.configs.schema.algorithm import OnPolicyConfig
from sim2real.training.advantages import Estimator
from sim2real.training.algorithms.ppo_loss import value_loss
from sim2real.training.device import placed
from sim2real.training.networks import ValueNetwork
from sim2real.training.rollout import Minibatch, Rollout, standardized
from sim2real.training.row_normalizer import RowNormalizer
from sim2real.training.value_function import ValueFunction
from sim2real.training.value_scale import ValueScale


class CostCritics:
    """V_c(s) of C costs, each in the units of its cost.

    They see what the value network of the reward sees, and have no memory. Networks of their own leave the values of
    the reward as they are without costs.

    Args:
        config: Sizes, and whether values are normalised.
        rollout: Has the costs.
        generator: Random numbers of the initial weights.
        normalizer: Normalises the rows.
        thread: A second thread.
    """

    def __init__(
        self,
        config: OnPolicyConfig,
        rollout: Rollout,
        generator: torch.Generator,
        normalizer: RowNormalizer,
        thread: Executor,
    ) -> None:
        width, costs = rollout.normalized.shape[-1], rollout.costs.shape[-1]
        networks = [ValueNetwork(width, config.hidden, config.activation, generator) for _ in range(costs)]
        scales = [ValueScale(config.normalizer_half_life) for _ in range(costs)]
        self._networks, self._scales = placed(nn.ModuleList(networks)), placed(nn.ModuleList(scales))
        self._values: Final = [
            ValueFunction(network, scale if config.normalize_values else None, normalizer, rollout.environments, thread)
            for network, scale in zip(networks, scales, strict=True)
        ]

    def parameters(self) -> Iterator[nn.Parameter]:
        """Return what is learned."""
        return self._networks.parameters()

    def targets(self, rollout: Rollout, estimator: Estimator, *, first: bool) -> tuple[list[Tensor], list[Tensor]]:
        """Return standardised advantages of the costs, and what their networks should give, (T, n) each."""
        advantages, goals = list[Tensor](), list[Tensor]()
        for values, cost in zip(self._values, rollout.costs.unbind(-1), strict=True):
            advantage, target = values.targets(rollout, estimator, first=first, paid=cost)
            advantages.append(standardized(advantage, rollout))
            goals.append(values.outputs(target))
        return advantages, goals

    def loss(self, batch: Minibatch, goals: Sequence[Tensor]) -> Tensor:
        """Return the sum of the value losses of a mini-batch with goals, (k,) each."""
        losses = [
            value_loss(batch.steps_of(network(batch.inputs)[0]), goal)
            for network, goal in zip(self._networks, goals, strict=True)
        ]
        return torch.stack(losses).sum()

    def state_dict(self) -> dict[str, Any]:
        """Return weights and scales."""
        return {"networks": self._networks.state_dict(), "scales": self._scales.state_dict()}

    def load_state_dict(self, state: dict[str, Any], /) -> None:
        """Restore what `state_dict` returned."""
        self._networks.load_state_dict(state["networks"])
        self._scales.load_state_dict(state["scales"])
