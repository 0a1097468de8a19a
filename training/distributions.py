"""Action distributions; torch.distributions takes three times as long per inference (309 against 93 µs)."""

import math
from typing import Any, Final

import torch
from torch import Tensor
from torch.nn.functional import softplus

_HALF_LOG_TAU: Final = 0.5 * math.log(2.0 * math.pi)
_LOG_2: Final = math.log(2.0)


def gaussian_log_prob(value: Tensor, mean: Tensor, log_std: Tensor) -> Tensor:
    """Return log N(value; mean, std) summed over the last dimension: (…, A) to (…,)."""
    return gaussian(value, mean, log_std)[0]


def gaussian(value: Tensor, mean: Tensor, log_std: Tensor) -> tuple[Tensor, Tensor]:
    """Return log N(value; mean, std), (…,), and z = (value − mean)/std, (…, A), which `gaussian_backward` needs."""
    standard = (value - mean) * torch.exp(-log_std)
    return -(0.5 * standard.square() + log_std + _HALF_LOG_TAU).sum(-1), standard


def gaussian_backward(standard: Tensor, log_std: Tensor, of_log_prob: Tensor) -> tuple[Tensor, Tensor]:
    """Return the gradients of a loss in mean and log std, (…, A), from those in log N, (…,).

    ∂ log N/∂mean = z/std and ∂ log N/∂ log std = z² − 1.
    """
    scaled = standard * of_log_prob.unsqueeze(-1)
    return scaled * torch.exp(-log_std), scaled * standard - of_log_prob.unsqueeze(-1)


def gaussian_entropy(log_std: Tensor) -> Tensor:
    """Return the entropy in nats of a diagonal Gaussian: (…, A) to (…,)."""
    return (log_std + (0.5 + _HALF_LOG_TAU)).sum(-1)


def gaussian_kl(mean_p: Tensor, log_std_p: Tensor, mean_q: Tensor, log_std_q: Tensor) -> Tensor:
    """Return KL(p‖q) in nats of diagonal Gaussians: (…, A) to (…,)."""
    ratio = torch.exp(2.0 * (log_std_p - log_std_q))
    shift = ((mean_p - mean_q) * torch.exp(-log_std_q)).square()
    return 0.5 * (ratio + shift - 1.0 - 2.0 * (log_std_p - log_std_q)).sum(-1)


def categorical_log_prob(choice: Tensor, scores: Tensor) -> Tensor:
    """Return log softmax(scores) of chosen entries: numbers (…,) and scores (…, K) to (…,)."""
    return torch.log_softmax(scores, -1).gather(-1, choice.unsqueeze(-1)).squeeze(-1)


def categorical_entropy(scores: Tensor) -> Tensor:
    """Return the entropy −Σ p·log p in nats of softmax(scores): (…, K) to (…,)."""
    log_probs = torch.log_softmax(scores, -1)
    return -(log_probs.exp() * log_probs).sum(-1)


def categorical_kl(scores_p: Tensor, scores_q: Tensor) -> Tensor:
    """Return KL(p‖q) = Σ p·(log p − log q) in nats of softmax of two scores: (…, K) to (…,)."""
    log_p, log_q = torch.log_softmax(scores_p, -1), torch.log_softmax(scores_q, -1)
    return (log_p.exp() * (log_p - log_q)).sum(-1)


def tanh_gaussian_sample(mean: Tensor, log_std: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
    """Return actions a = tanh(mean + std·noise), (…, A), and their log-probabilities, (…,).

    The change of variables subtracts Σ log(1 − tanh²u), written as 2·(log 2 − u − softplus(−2u)), which is numerically
    stable where tanh saturates (Haarnoja et al. 2018, appendix C; stable form as in TensorFlow Probability).
    """
    sampled: tuple[Tensor, Tensor] = _TanhGaussian.apply(mean, log_std, noise)  # type: ignore[no-untyped-call]
    return sampled


def tanh_gaussian(mean: Tensor, log_std: Tensor, noise: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return what `tanh_gaussian_sample` does, and std·noise, (…, A), which `tanh_gaussian_backward` needs."""
    shift = torch.exp(log_std).mul_(noise)
    unsquashed = mean + shift
    action = torch.tanh(unsquashed)
    gaussian = -(0.5 * noise.square() + log_std + _HALF_LOG_TAU)
    correction = 2.0 * (_LOG_2 - unsquashed - softplus(-2.0 * unsquashed))
    return action, (gaussian - correction).sum(-1), shift


def tanh_gaussian_backward(
    action: Tensor, shift: Tensor, of_action: Tensor, of_log_prob: Tensor
) -> tuple[Tensor, Tensor]:
    """Return the gradients of a loss in mean and log std, (…, A), from those in actions, (…, A), and log π, (…, 1).

    With u = mean + std·noise and a = tanh u: ∂a/∂u = 1 − a², ∂ log π/∂u = 2a, as the change of variables is
    −2·(log 2 − u − softplus(−2u)); and ∂ log π/∂ log std = −1 beside what goes through u.
    """
    of_mean = torch.addcmul(of_action, action, 2.0 * of_log_prob - of_action * action)
    return of_mean, torch.addcmul(-of_log_prob, of_mean, shift)


class _TanhGaussian(torch.autograd.Function):
    """A sample and its log-probability, differentiated by hand: a fifth of the operations."""

    @staticmethod
    def forward(ctx: Any, mean: Tensor, log_std: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:  # noqa: ANN401 - torch's
        action, log_prob, shift = tanh_gaussian(mean, log_std, noise)
        ctx.save_for_backward(action, shift)
        return action, log_prob

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, None]:  # noqa: ANN401 - torch's
        action, shift = ctx.saved_tensors
        return (*tanh_gaussian_backward(action, shift, gradients[0], gradients[1].unsqueeze(-1)), None)
