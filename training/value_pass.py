"""Value regression without autograd: the loss of `ppo_loss.value_loss`, and its gradients by hand."""

import torch
from torch import Tensor

from sim2real.training.layered_pass import SizedPasses


@torch.no_grad()
def fit_value(passes: SizedPasses, rows: Tensor, goal: Tensor, weight: float = 1.0) -> Tensor:
    """Write the gradients of a value network for w·½·E[(V − goal)²], and return the loss without w.

    Args:
        passes: Of the network.
        rows: Its inputs, (k, I).
        goal: What it should give, (k,).
        weight: w
    """
    network = passes.of(len(rows))
    error = network.forward(rows.unsqueeze(0)).squeeze(-1) - goal
    loss = 0.5 * error.square().mean()
    network.fit(error.mul_(weight / error.numel()).unsqueeze(-1))
    return loss
