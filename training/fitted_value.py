"""Base of on-policy learners whose value network is fitted to every rollout apart from the policy."""

from typing import Any, Final

import torch
from torch import Tensor

from sim2real.configs.schema.on_policy import FittedValueConfig
from sim2real.training.advantages import Estimator
from sim2real.training.algorithms.interface import Metrics
from sim2real.training.environment_interface import Environment
from sim2real.training.flat_adam import FlatAdam, flat_state
from sim2real.training.layered_pass import SizedPasses, linear_layers
from sim2real.training.on_policy import OnPolicy, Stateful
from sim2real.training.value_function import explained_variance
from sim2real.training.value_pass import fit_value


class FittedValue(OnPolicy):
    """min_φ ½·E[(V_φ − target)²] in some passes of minibatches over a rollout, with an optimizer of its own.

    The value network has no memory, and is differentiated by hand.
    """

    def __init__(
        self,
        config: FittedValueConfig,
        environment: Environment,
        seed: int,
        *,
        whole_episodes: bool = False,
        estimator: Estimator | None = None,
    ) -> None:
        super().__init__(config, environment, seed, whole_episodes=whole_episodes, estimator=estimator)
        self._fit: Final = config
        self._value_adam: Final = FlatAdam(self.value.parameters(), config.value_learning_rate)
        layers = linear_layers(self.value.body, self.value.head)
        self._passes: Final = SizedPasses(layers, config.activation, len(config.hidden))

    def fit_value(self, target: Tensor) -> Metrics:
        """Fit the value network to targets of the rollout, (T, n); return its loss and what it explained before."""
        config, rollout = self._fit, self.rollout
        goals = self._values.outputs(target)
        with torch.no_grad():
            explained = explained_variance(self.evaluated_values(), rollout.steps_of(goals.flatten()))
        losses: list[Tensor] = []
        for _ in range(config.value_epochs):
            for batch in rollout.minibatches((goals,), config.value_minibatches, self._generator, sequences=False):
                losses.append(fit_value(self._passes, batch.inputs, batch.columns[0]))
                self._value_adam.move()
        return {"loss/value": float(torch.stack(losses).mean()), "value/explained_variance": explained}

    def _parts(self) -> dict[str, Stateful]:
        return super()._parts() | {"value_optimizer": self._value_adam.optimizer}

    def restore(self, state: dict[str, Any]) -> None:
        """Restore what `state` returned, or one of before the value network's parameters were in one block."""
        super().restore(state | {"value_optimizer": flat_state(state["value_optimizer"])})
