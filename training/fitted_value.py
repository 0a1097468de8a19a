"""Base of on-policy learners whose value network is fitted to every rollout apart from the policy."""

from typing import Final

import torch
from torch import Tensor

from sim2real.configs.schema.on_policy import FittedValueConfig
from sim2real.training.advantages import Estimator
from sim2real.training.algorithms.interface import Metrics
from sim2real.training.algorithms.ppo_loss import value_loss
from sim2real.training.environment_interface import Environment
from sim2real.training.on_policy import OnPolicy, Stateful
from sim2real.training.value_function import explained_variance


class FittedValue(OnPolicy):
    """min_φ ½·E[(V_φ − target)²] in some passes of minibatches over a rollout, with an optimizer of its own."""

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
        self._value_optimizer: Final = torch.optim.Adam(
            self.value.parameters(), lr=config.value_learning_rate, fused=True
        )

    def fit_value(self, target: Tensor) -> Metrics:
        """Fit the value network to targets of the rollout, (T, n); return its loss and what it explained before."""
        config, rollout = self._fit, self.rollout
        goals = self._values.outputs(target)
        with torch.no_grad():
            explained = explained_variance(self.evaluated_values(), rollout.steps_of(goals.flatten()))
        losses: list[Tensor] = []
        for _ in range(config.value_epochs):
            sequences = self.value.memory.recurrent
            for batch in rollout.minibatches((goals,), config.value_minibatches, self._generator, sequences=sequences):
                value, _ = self.value(batch.inputs, batch.value_state, batch.ended)
                loss = value_loss(batch.steps_of(value), batch.columns[0])
                self._value_optimizer.zero_grad()
                torch.autograd.backward(loss)
                self._value_optimizer.step()
                losses.append(loss.detach())
        return {"loss/value": float(torch.stack(losses).mean()), "value/explained_variance": explained}

    def _parts(self) -> dict[str, Stateful]:
        return super()._parts() | {"value_optimizer": self._value_optimizer}
