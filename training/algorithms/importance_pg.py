"""Off-policy policy gradient by importance sampling, with truncated weights (Precup et al. 2000; Ionides 2008)."""

from functools import partial
from itertools import chain
from typing import Final

import torch
from torch import Tensor

from sim2real.configs.schema.on_policy import ImportancePgConfig
from sim2real.training.advantages import generalized_advantages
from sim2real.training.algorithms.interface import Metrics
from sim2real.training.device import here
from sim2real.training.environment_interface import Environment
from sim2real.training.fitted_value import FittedValue
from sim2real.training.importance import effective_share, importance_weights
from sim2real.training.on_policy import Stateful


class ImportancePg(FittedValue):
    """Several gradient steps on one whole episode of every environment, all of the policy before the first step.

        ∇J = E[Σ_t min(w_t, c)·∇ log π_θ(a_t|s_t)·A_t],   r_t = π_θ(a_t|s_t) / π_old(a_t|s_t)

        per_trajectory   w_t = Π_k r_k over the whole episode,   A_t = G_0 − V(s_0)
        per_step         w_t = Π_{k≤t} r_k, as later actions do not change what led to a_t,   A_t = G_t − V(s_t)

    The variance of a product grows with its length. The effective sample size (Σ w)² / Σ w² (Kish 1965), of the whole
    trajectories' weights after truncation, says how many episodes are left; below `sample_share_min` of them no further
    step is taken.

    Switches: `weighting`; `weight_max` is c, 1 is the most biased and the calmest.
    """

    def __init__(self, config: ImportancePgConfig, environment: Environment, seed: int) -> None:
        returns = partial(generalized_advantages, discount=config.discount, gae_lambda=1.0)
        super().__init__(config, environment, seed, whole_episodes=True, estimator=returns)
        self.config: Final = config
        parameters = list(chain(self._policy.parameters(), self.distribution.parameters()))
        self._optimizer: Final = torch.optim.Adam(parameters, lr=config.learning_rate, fused=True)

    def _parts(self) -> dict[str, Stateful]:
        return super()._parts() | {"optimizer": self._optimizer}

    def _learn(self, progress: float) -> Metrics:
        config, rollout = self.config, self.rollout
        advantage, target = self.targets()
        if config.weighting == "per_trajectory":
            advantage = advantage[:1].expand_as(advantage)
        old_log_prob = self.log_probs().detach()
        losses: list[float] = []
        share = 1.0
        for _ in range(config.updates):
            log_prob = self.log_probs()
            ratio = (log_prob - old_log_prob).detach()
            trajectory, step = importance_weights(ratio, config.weight_max)
            share = effective_share(trajectory)
            if not share >= config.sample_share_min:
                break
            weight = step if config.weighting == "per_step" else trajectory.expand_as(step)
            loss = -(weight * log_prob * advantage).sum() / len(rollout.steps_of(ratio.flatten()))
            self._optimizer.zero_grad()
            torch.autograd.backward(loss)
            self._optimizer.step()
            self._bound_std()
            losses.append(float(loss.detach()))
        return {
            "loss/policy": sum(losses) / len(losses),
            "policy/updates": float(len(losses)),
            "policy/effective_sample_share": share,
            **self.fit_value(target),
        }

    def log_probs(self) -> Tensor:
        """Return log π(a|s) of the rollout with a gradient, (T, n); 0 in rows that are no steps."""
        log_prob, _ = self.evaluated()
        taken = self.rollout.steps_of(torch.arange(self.rollout.reward.numel(), device=here()))
        return (
            log_prob.new_zeros(self.rollout.reward.numel()).index_put((taken,), log_prob).view_as(self.rollout.reward)
        )
