"""Loss of imitation: how far actions are from those that were shown."""

from torch import Tensor


def action_error(action: Tensor, label: Tensor, weight: Tensor) -> Tensor:
    """Return Σ wᵢ·‖aᵢ − aᵢ*‖² / (A·Σ wᵢ): the mean squared error of an action, over steps with weights.

    It is the negative log-likelihood of the labels under a Gaussian of fixed spread around the action, up to scale and
    a constant. Where all weights are zero it is zero.

    Args:
        action: a, (…, A).
        label: a*, (…, A).
        weight: w, (…,).
    """
    return ((action - label).square().mean(-1) * weight).sum() / weight.sum().clamp_min(1.0)
