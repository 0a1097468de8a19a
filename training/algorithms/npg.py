"""Natural policy gradient by conjugate gradients (Kakade 2001; truncated natural gradient: Duan et al. 2016)."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain
from typing import Final

import torch
from torch import Tensor

from sim2real.configs.schema.on_policy import NaturalConfig
from sim2real.training.action_distribution import ActionDistribution, Gaussian
from sim2real.training.algorithms.interface import Metrics
from sim2real.training.device import placed
from sim2real.training.environment_interface import Environment
from sim2real.training.fitted_value import FittedValue
from sim2real.training.gaussian_fisher import gaussian_fisher
from sim2real.training.natural_gradient import assign, fisher_product, flat, natural_step
from sim2real.training.rollout import standardized


@dataclass(frozen=True)
class Before:
    """The policy of a rollout of k steps, and what its actions were worth."""

    parameters: Tensor
    """θ_old, (D,)."""
    distribution: ActionDistribution
    output: Tensor
    """The network's outputs, (k, A)."""
    log_prob: Tensor
    """log π_old(a|s), (k,)."""
    advantage: Tensor
    """A, standardised, (k,)."""


class Npg(FittedValue):
    """One step of a given divergence along F⁻¹g, on each rollout.

        θ' = θ + √(2δ / gᵀF⁻¹g)·F⁻¹g,   g = ∇E[π_θ(a|s)/π_old(a|s)·A],   F = ∇²E[KL(π_old ‖ π_θ)]

    The step does not depend on how the policy is parameterised. F⁻¹g takes a fixed number of Fisher-vector products.

    Switches: `max_kl` is δ, to second order; `damping` keeps directions in which the rollout says nothing short;
    `fisher_share` computes F on some of the steps, which is most of what an update costs.
    """

    def __init__(self, config: NaturalConfig, environment: Environment, seed: int) -> None:
        super().__init__(config, environment, seed)
        self.natural: Final = config
        self._parameters: Final = list(chain(self._policy.parameters(), self.distribution.parameters()))

    def _learn(self, progress: float) -> Metrics:
        advantage, target = self.targets()
        before = self.before(advantage)
        log_prob, _ = self.evaluated()
        surrogate = (torch.exp(log_prob - before.log_prob) * before.advantage).mean()
        gradient = flat(torch.autograd.grad(surrogate, self._parameters))
        step = natural_step(self.fisher(before), gradient, self.natural.max_kl, self.natural.cg_iterations)
        metrics = self.move(before, step)
        return {**metrics, "gradient_norm": float(gradient.norm()), **self.fit_value(target)}

    @torch.no_grad()
    def before(self, advantage: Tensor) -> Before:
        """Return the present policy on the rollout, with advantages, (T, n)."""
        log_prob, output = self.evaluated()
        standard = self.rollout.steps_of(standardized(advantage, self.rollout).flatten())
        parameters = flat([parameter.detach() for parameter in self._parameters])
        return Before(parameters, self.distribution.frozen(), output, log_prob, standard)

    def move(self, before: Before, step: Tensor) -> Metrics:
        """Take a step, (D,); return what it did."""
        gain, divergence = self.moved(before, step)
        return {"loss/surrogate": -gain, "policy/kl": divergence}

    @torch.no_grad()
    def moved(self, before: Before, step: Tensor) -> tuple[float, float]:
        """Set θ to that before and a step; return the surrogate E[r·A], and E[KL(π_old ‖ π_θ)] over the rollout."""
        assign(self._parameters, before.parameters + step)
        self._bound_std()
        log_prob, output = self.evaluated()
        gain = (torch.exp(log_prob - before.log_prob) * before.advantage).mean()
        return float(gain), float(self.distribution.divergence(before.distribution, before.output, output).mean())

    def fisher(self, before: Before) -> Callable[[Tensor], Tensor]:
        """Return Fisher-vector products at the present parameters, on a share of the steps."""
        rows = self.rollout.steps_of(self.rollout.observation[:-1].flatten(0, 1))
        count = max(1, round(self.natural.fisher_share * len(rows)))
        drawn = rows[placed(torch.randperm(len(rows), generator=self._generator)[:count])]
        if isinstance(self.distribution, Gaussian):
            return gaussian_fisher(self._policy, self.distribution.log_std, drawn, self.natural.damping)
        output = self._policy.mean(drawn)
        divergence = self.distribution.divergence(before.distribution, output.detach(), output).mean()
        return fisher_product(divergence, self._parameters, self.natural.damping)
