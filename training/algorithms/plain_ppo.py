"""PPO-clip of networks without memory and continuous actions: the gradients of `ppo.py`, by hand.

Equations, order of the steps and figures are those of `ppo.py`; a test holds the two against each other. With
s = log σ, z = (a − μ)/σ, r = π(a|s)/π_old(a|s), k rows in a mini-batch and the entropy's weight w:

    ∂L/∂log π = −r·A/k where r·A ≤ clip(r, 1 ± ε)·A, else 0
    ∂ log π/∂μ = z/σ,   ∂ log π/∂s = z² − 1,   ∂(−w·H)/∂s = −w;      ∂/∂V of c·½·E[(V − target)²] = c·(V − target)/k

Autograd's records of these few numbers cost several times what the numbers do.
"""

from typing import Any, Final

import torch
from torch import Tensor

from sim2real.configs.schema.algorithm import PpoConfig
from sim2real.training import team
from sim2real.training.action_distribution import ActionDistribution, Gaussian
from sim2real.training.algorithms.ppo import Ppo
from sim2real.training.choices import given_choices
from sim2real.training.distributions import gaussian, gaussian_backward, gaussian_kl
from sim2real.training.environment_interface import Environment, budgets_of
from sim2real.training.flat_adam import FlatAdam, flat_state
from sim2real.training.layered_pass import SizedPasses, linear_layers
from sim2real.training.proximal import ADAM_EPS
from sim2real.training.rollout import Minibatch
from sim2real.training.value_pass import fit_value

_TWO_THREADS_FROM: Final = 3_000_000
"""Rows times weights from which on a second thread, which takes 0.1 ms to begin and to end, is worth it."""
_NORM_MIN: Final = 1e-6
"""Added to the norm that a gradient is divided by, as `nn.utils.clip_grad_norm_` has it."""


def make_ppo(config: PpoConfig, environment: Environment, seed: int) -> Ppo:
    """Return PPO, with gradients by hand where they are known here."""
    plain = (
        config.memory is None
        and config.anchor is None
        and config.symmetry != "loss"
        and not config.value_first
        and given_choices(environment) is None
        and not budgets_of(environment)
    )
    return (PlainPpo if plain else Ppo)(config, environment, seed)


class PlainPpo(Ppo):
    """PPO-clip without autograd, bound to an environment."""

    def __init__(self, config: PpoConfig, environment: Environment, seed: int) -> None:
        super().__init__(config, environment, seed)
        assert isinstance(self.distribution, Gaussian)  # noqa: S101 - of continuous actions
        self._log_std: Final = self.distribution.log_std
        self._acting, self._valuing = (
            SizedPasses(linear_layers(network.body, network.head), config.activation, len(config.hidden))
            for network in (self._policy, self.value)
        )
        self._weights: Final = sum(parameter.numel() for parameter in self.value.parameters())

    def _make_optimizer(self) -> torch.optim.Adam:
        """Return an optimizer of all parameters in one block."""
        self._flat = FlatAdam(self._parameters, self._proximal.learning_rate, eps=ADAM_EPS)
        return self._flat.optimizer

    def restore(self, state: dict[str, Any]) -> None:
        """Restore what `state` returned, or one of before the parameters were in one block."""
        super().restore(state | {"optimizer": flat_state(state["optimizer"])})

    @torch.no_grad()
    def _update(self, old: ActionDistribution, batch: Minibatch, *, first: bool) -> Tensor:
        """Take one gradient step on a mini-batch; see `Proximal`."""
        gradient = self._flat.gradient
        if batch.share > 0.0:
            figures = self.gradients(old, batch) * batch.share
        else:
            figures = gradient.new_zeros(7)
            gradient.zero_()
        if not first:
            self._adapt(figures[4])
        if team.size() > 1:
            gradient.copy_(team.summed(gradient))
        norm = torch.linalg.vector_norm(gradient)
        gradient.mul_((self._proximal.gradient_norm_max / (norm + _NORM_MIN)).clamp_(max=1.0))
        self._flat.move()
        self._bound_std()
        return torch.cat((figures, norm.unsqueeze(0) / team.size()))

    @torch.no_grad()
    def gradients(self, old: ActionDistribution, batch: Minibatch) -> Tensor:
        """Write this process' part of the gradients on a mini-batch; return its means of the figures, (7,)."""
        goal, weight = batch.columns[-1], self._proximal.value_weight * batch.share
        if len(batch.inputs) * self._weights >= _TWO_THREADS_FROM:
            fitting = self._second_thread.submit(fit_value, self._valuing, batch.inputs, goal, weight)
            surrogate, clipped, divergence = self._improve(old, batch)
            fit = fitting.result()
        else:
            surrogate, clipped, divergence = self._improve(old, batch)
            fit = fit_value(self._valuing, batch.inputs, goal, weight)
        none = torch.zeros_like(fit)
        return torch.stack((surrogate, fit, none, clipped, divergence, none, none))

    @torch.no_grad()
    def _improve(self, old: ActionDistribution, batch: Minibatch) -> tuple[Tensor, Tensor, Tensor]:
        """Write the gradients of policy and σ; return the surrogate, the share of clipped steps, and the divergence."""
        action, old_mean, old_log_prob, advantage, _ = batch.columns
        assert isinstance(old, Gaussian)  # noqa: S101 - of continuous actions
        observation, _ = self._normalizer.parts(batch.inputs)
        acting = self._acting.of(len(observation))
        mean, log_std = acting.forward(observation.unsqueeze(0))[0], self._log_std
        log_prob, standard = gaussian(action, mean, log_std)
        ratio = torch.exp(log_prob - old_log_prob)
        clipped = ratio.clamp(1.0 - self.config.clip, 1.0 + self.config.clip)
        gain, bounded = ratio * advantage, clipped * advantage
        of_log_prob = torch.where(gain <= bounded, gain, 0.0).mul_(-batch.share / len(action))
        divergence = gaussian_kl(old_mean, old.log_std, mean, log_std).mean()
        of_mean, of_log_std = gaussian_backward(standard, log_std, of_log_prob)
        acting.fit(of_mean.unsqueeze(0))
        assert log_std.grad is not None  # noqa: S101 - set by the optimizer
        torch.sub(of_log_std.sum(0), self._proximal.entropy_weight * batch.share, out=log_std.grad)
        return -torch.minimum(gain, bounded).mean(), (ratio != clipped).float().mean(), divergence
