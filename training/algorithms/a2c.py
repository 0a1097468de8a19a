"""Advantage actor-critic with environments in step (Mnih et al. 2016, without its asynchrony)."""

from functools import partial
from itertools import chain
from typing import Final

import torch
from torch import nn

from sim2real.configs.schema.on_policy import A2cConfig
from sim2real.training.advantages import Estimator, generalized_advantages, n_step_advantages
from sim2real.training.algorithms.interface import Metrics
from sim2real.training.algorithms.ppo_loss import value_loss
from sim2real.training.environment_interface import Environment
from sim2real.training.on_policy import OnPolicy, Stateful
from sim2real.training.rollout import standardized


class A2c(OnPolicy):
    """One gradient step of policy and value network together on each short rollout.

        max_θ E[log π_θ(a|s)·A] + w·entropy,   min_φ ½·E[(V_φ − (A + V))²]

        monte_carlo    A_t = Σ_{k≥t} γ^{k−t}·r_k − V(s_t), with V where the rollout or a time limit cuts
        td0            A_t = r_t + γ·V(s_{t+1}) − V(s_t)
        n_step         A_t = r_t + … + γ^{n−1}·r_{t+n−1} + γⁿ·V(s_{t+n}) − V(s_t)
        gae            A_t = Σ_k (γλ)^k·δ_{t+k}, δ the one of td0 (Schulman et al. 2016)

    Switches: `target` trades bias for variance, from td0 to monte_carlo; gae lies between them.
    """

    def __init__(self, config: A2cConfig, environment: Environment, seed: int) -> None:
        super().__init__(config, environment, seed, estimator=_estimator(config))
        self.config: Final = config
        self._parameters: Final = list(
            chain(self._policy.parameters(), self.value.parameters(), self.distribution.parameters())
        )
        self._optimizer: Final = torch.optim.Adam(self._parameters, lr=config.learning_rate, eps=1e-5, fused=True)

    def _parts(self) -> dict[str, Stateful]:
        return super()._parts() | {"optimizer": self._optimizer}

    def _learn(self, progress: float) -> Metrics:
        config, rollout = self.config, self.rollout
        advantage, target = self.targets()
        goal = rollout.steps_of(self._values.outputs(target).flatten())
        log_prob, output = self.evaluated()
        loss = -(log_prob * rollout.steps_of(standardized(advantage, rollout).flatten())).mean()
        fit = value_loss(self.evaluated_values(), goal)
        entropy = self.distribution.entropy(output)
        self._optimizer.zero_grad()
        torch.autograd.backward(loss + config.value_weight * fit - config.entropy_weight * entropy)
        norm = nn.utils.clip_grad_norm_(self._parameters, config.gradient_norm_max)
        self._optimizer.step()
        self._bound_std()
        return {"loss/policy": float(loss.detach()), "loss/value": float(fit.detach()), "gradient_norm": float(norm)}


def _estimator(config: A2cConfig) -> Estimator:
    """Return what estimates the advantages."""
    if config.target == "n_step":
        return partial(n_step_advantages, discount=config.discount, steps=config.n_steps)
    decays = {"monte_carlo": 1.0, "td0": 0.0, "gae": config.gae_lambda}
    return partial(generalized_advantages, discount=config.discount, gae_lambda=decays[config.target])
