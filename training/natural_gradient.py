"""Natural gradients without a matrix: Fisher-vector products and conjugate gradients, on flat vectors."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

_RESIDUAL_MIN = 1e-10  # below it a direction is exact, and a step further divides by zero


def flat(tensors: Sequence[Tensor]) -> Tensor:
    """Return the numbers of tensors as one vector, (D,)."""
    return torch.cat([tensor.reshape(-1) for tensor in tensors])


@torch.no_grad()
def assign(parameters: Sequence[nn.Parameter], vector: Tensor) -> None:
    """Write a vector, (D,), into parameters."""
    sizes = [parameter.numel() for parameter in parameters]
    for parameter, part in zip(parameters, torch.split(vector, sizes), strict=True):
        parameter.copy_(part.view_as(parameter))


def fisher_product(
    divergence: Tensor, parameters: Sequence[nn.Parameter], damping: float = 0.0
) -> Callable[[Tensor], Tensor]:
    """Return v ↦ (F + damping·I)·v.

    F = ∇²_θ E[KL(π_old ‖ π_θ)] at θ = θ_old is the Fisher matrix of π (Schulman et al. 2015, appendix C). A product is
    the gradient of ∇KL·v, so F itself is never formed.

    Args:
        divergence: E[KL(π_old ‖ π_θ)], a scalar with a graph.
        parameters: θ, as they were.
        damping: Added to the diagonal.
    """
    slope = flat(torch.autograd.grad(divergence, parameters, create_graph=True))

    def product(vector: Tensor) -> Tensor:
        parts = torch.autograd.grad(slope @ vector, parameters, retain_graph=True)
        return flat(parts) + damping * vector

    return product


def conjugate_gradient(product: Callable[[Tensor], Tensor], target: Tensor, iterations: int) -> Tensor:
    """Return x with A·x ≈ target for a positive definite A (Hestenes & Stiefel 1952), begun at zero.

    Args:
        product: v ↦ A·v.
        target: (D,)
        iterations: Most products; D of them are exact but for rounding.
    """
    x, residual = torch.zeros_like(target), target.clone()
    direction, square = residual.clone(), residual @ residual
    for _ in range(iterations):
        if not square > _RESIDUAL_MIN * _RESIDUAL_MIN:
            break
        image = product(direction)
        step = square / (direction @ image)
        x = x + step * direction
        residual = residual - step * image
        following = residual @ residual
        direction = residual + (following / square) * direction
        square = following
    return x


def natural_step(product: Callable[[Tensor], Tensor], gradient: Tensor, max_kl: float, iterations: int) -> Tensor:
    """Return the step √(2δ / gᵀF⁻¹g)·F⁻¹g, which ½·sᵀF·s says has the divergence δ, (D,).

    Args:
        product: v ↦ F·v.
        gradient: g, of what is to be raised; of a gradient of zero the step is zero.
        max_kl: δ
        iterations: Of the conjugate gradients.
    """
    direction = conjugate_gradient(product, gradient, iterations)
    square = gradient @ direction
    return direction * torch.sqrt(2.0 * max_kl / square) if square > 0.0 else torch.zeros_like(gradient)
