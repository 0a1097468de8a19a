"""REINFORCE: the likelihood-ratio policy gradient with whole episodes (Williams 1992)."""

from functools import partial
from itertools import chain
from typing import Final

import torch
from torch import Tensor

from sim2real.configs.schema.on_policy import ReinforceConfig
from sim2real.training.advantages import generalized_advantages
from sim2real.training.algorithms.interface import Metrics
from sim2real.training.environment_interface import Environment
from sim2real.training.fitted_value import FittedValue
from sim2real.training.on_policy import Stateful


class Reinforce(FittedValue):
    """One gradient step on one whole episode of every environment.

        ∇J = E[Σ_t ∇ log π(a_t|s_t)·(G_t − b)]
        G_t = Σ_{k≥t} γ^{k−t}·r_k    reward to go, or for every t that of the whole episode, G_0

    Switches: `credit` is G_t, `baseline` is b. All have the same mean (but for the time limit, which only b = V sees
    beyond) and ever less variance: whole return without baseline, reward to go, its mean as a baseline, V(s). With the
    whole return b = V(s_0).
    """

    def __init__(self, config: ReinforceConfig, environment: Environment, seed: int) -> None:
        self._returns: Final = partial(generalized_advantages, discount=config.discount, gae_lambda=1.0)
        super().__init__(config, environment, seed, whole_episodes=True, estimator=self._returns)
        self.config: Final = config
        parameters = list(chain(self._policy.parameters(), self.distribution.parameters()))
        self._optimizer: Final = torch.optim.Adam(parameters, lr=config.learning_rate, fused=True)

    def _parts(self) -> dict[str, Stateful]:
        return super()._parts() | {"optimizer": self._optimizer}

    def _learn(self, progress: float) -> Metrics:
        rollout = self.rollout
        weight, target = self.weights()
        log_prob, output = self.evaluated()
        loss = -(log_prob * rollout.steps_of(weight.flatten())).mean()
        self._optimizer.zero_grad()
        torch.autograd.backward(loss - self.config.entropy_weight * self.distribution.entropy(output))
        self._optimizer.step()
        self._bound_std()
        metrics = {"loss/policy": float(loss.detach()), "episode/rollout_return": float(rollout.reward.sum(0).mean())}
        return metrics if target is None else metrics | self.fit_value(target)

    def weights(self) -> tuple[Tensor, Tensor | None]:
        """Return G − b of every step, (T, n), and the targets of the value network, where that is the baseline."""
        config, rollout, target = self.config, self.rollout, None
        if config.baseline == "value":
            weight, target = self.targets()
        else:
            nothing = torch.zeros_like(rollout.reward)
            weight = self._returns(rollout.reward, nothing, nothing, rollout.terminated, rollout.ended)
        if config.credit == "whole_return":
            weight = weight[:1].expand_as(weight)
        if config.baseline == "mean":
            of_what = weight[0] if config.credit == "whole_return" else rollout.steps_of(weight.flatten())
            weight = weight - of_what.mean()
        return weight, target
