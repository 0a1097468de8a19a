"""Fisher-vector products of a Gaussian policy by hand, without a graph that is differentiated twice.

    F = ∇²E[KL(π_old ‖ π_θ)] = E[Jᵀ·diag(1/σ²)·J] in the weights, 2·I in log σ,   J = ∂μ/∂weights

J·v goes forwards through the layers beside what they computed, Jᵀ·w backwards. No second derivative of the network is
in F at θ = θ_old, as the gradient of the divergence in μ is zero there (Schulman et al. 2015, appendix C).
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from sim2real.training.layered_pass import Layer, LayeredPass, Memory
from sim2real.training.policy import Policy


@torch.no_grad()
def gaussian_fisher(policy: Policy, log_std: Tensor, rows: Tensor, damping: float = 0.0) -> Callable[[Tensor], Tensor]:
    """Return v ↦ (F + damping·I)·v, in the policy's parameters and log σ behind them, (D,).

    Args:
        policy: Without memory; its parameters as they are now.
        log_std: log σ, (A,).
        rows: Normalised observations, over which F is the mean, (k, O).
        damping: Added to the diagonal.
    """
    layers = [each for part in (policy.body, policy.head) for each in part.modules() if isinstance(each, nn.Linear)]
    size = sum(parameter.numel() for parameter in policy.parameters())
    gradient = rows.new_empty(size)
    written = [
        Layer(weight.weight, weight.bias, of.weight, of.bias)
        for weight, of in zip(map(Layer.of, layers), _views(gradient, layers), strict=True)
    ]
    hidden, activation = len(layers) - 1, policy.activation
    network = LayeredPass(written, activation, hidden, Memory(written, len(rows)))
    network.forward(rows.unsqueeze(0))
    precision = torch.exp(-2.0 * log_std.detach()) / len(rows)

    @torch.no_grad()
    def product(vector: Tensor) -> Tensor:
        along = network.tangent(_views(vector[:size], layers))
        network.fit(along.mul_(precision))
        return torch.cat((gradient, 2.0 * vector[size:])).add_(vector, alpha=damping)

    return product


def _views(vector: Tensor, layers: list[nn.Linear]) -> list[Layer]:
    """Return the parts of a vector that belong to layers, (N,), as layers."""
    found, begin = list[Layer](), 0
    for layer in layers:
        outputs, inputs = layer.weight.shape
        weight = vector[begin : begin + outputs * inputs].view(outputs, inputs).t().unsqueeze(0)
        bias = vector[begin + outputs * inputs : begin + outputs * (inputs + 1)].view(1, 1, -1)
        begin += outputs * (inputs + 1)
        found.append(Layer(weight, bias, None, None))
    return found
