"""Layers of networks run forwards and backwards by hand, over memory that stays from batch to batch.

    z₀ = x,  zᵢ = f(zᵢ₋₁·Wᵢ + bᵢ);   δᵢ₋₁ = (δᵢ·Wᵢᵀ)∘f'(zᵢ₋₁),  ∂L/∂Wᵢ = zᵢ₋₁ᵀ·δᵢ,  ∂L/∂bᵢ = Σ δᵢ

Autograd allocates every product, its gradient, and the gradients of weights that it adds up afterwards. Here the few
buffers are still in the cache when the next pass needs them, and gradients are written where the optimizer reads them.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import Tensor, nn

from sim2real.configs.schema.algorithm import Activation

_aten: Final[Any] = torch.ops.aten
_SIZES_MAX: Final = 4
"""Sizes of batches whose buffers are kept; the minibatches of a rollout have two."""

# f' by the layer's output, times a gradient, in place: (gradient, output). As autograd has them.
_DERIVATIVES: Final[dict[Activation, Callable[[Tensor, Tensor], object]]] = {
    "tanh": lambda gradient, output: _aten.tanh_backward.grad_input(gradient, output, grad_input=gradient),
    "elu": lambda gradient, output: _aten.elu_backward.grad_input(
        gradient, 1.0, 1.0, 1.0, True, output, grad_input=gradient
    ),
    "relu": lambda gradient, output: _aten.threshold_backward.grad_input(gradient, output, 0.0, grad_input=gradient),
}
_IN_PLACE: Final[dict[Activation, Callable[[Tensor], object]]] = {
    "tanh": torch.tanh_,
    "elu": nn.functional.elu_,
    "relu": torch.relu_,
}


@dataclass(frozen=True)
class Layer:
    """Weights of a layer of K networks, (K, I, O), and biases, (K, 1, O), with their gradients; views of parameters."""

    weight: Tensor
    bias: Tensor
    of_weight: Tensor | None
    of_bias: Tensor | None

    @staticmethod
    def stacked(weight: nn.Parameter, bias: nn.Parameter) -> "Layer":
        """Return a layer of parameters that have these shapes."""
        return Layer(weight.detach(), bias.detach(), weight.grad, bias.grad)

    @staticmethod
    def of(linear: nn.Linear) -> "Layer":
        """Return a layer of one network. Gradients are written where they are; without any it is only read."""
        weight, bias, of_weight, of_bias = linear.weight, linear.bias, linear.weight.grad, linear.bias.grad
        return Layer(
            weight.detach().t().unsqueeze(0),
            bias.detach().view(1, 1, -1),
            None if of_weight is None else of_weight.t().unsqueeze(0),
            None if of_bias is None else of_bias.view(1, 1, -1),
        )

    def first(self) -> "Layer":
        """Return the layer of the first network alone, to be read."""
        return Layer(self.weight[:1], self.bias[:1], None, None)


def linear_layers(*parts: nn.Module) -> list[Layer]:
    """Return the linear layers of modules, in their order."""
    return [Layer.of(each) for part in parts for each in part.modules() if isinstance(each, nn.Linear)]


def stacked_layers(weights: Iterable[nn.Parameter], biases: Iterable[nn.Parameter]) -> list[Layer]:
    """Return layers of parameters that have their shapes."""
    return [Layer.stacked(weight, bias) for weight, bias in zip(weights, biases, strict=True)]


class Memory:
    """Buffers of one batch for networks of equal shape; only one of them is between its two passes at a time.

    Args:
        layers: Of one of these networks.
        rows: B
    """

    def __init__(self, layers: Sequence[Layer], rows: int) -> None:
        shapes = [(layer.weight.shape[0], rows, layer.weight.shape[2]) for layer in layers]
        devices = [layer.weight.device for layer in layers]
        self.outputs: Final = [torch.empty(shape, device=one) for shape, one in zip(shapes, devices, strict=True)]
        self.gradients: Final = [torch.empty(shape, device=one) for shape, one in zip(shapes, devices, strict=True)]


class LayeredPass:
    """K networks, run over batches of B rows.

    Args:
        layers: Their layers.
        activation: f
        activated: After how many of the layers.
        memory: Buffers.
    """

    def __init__(self, layers: Sequence[Layer], activation: Activation, activated: int, memory: Memory) -> None:
        self._layers: Final = layers
        self._activated: Final = activated
        self._activate: Final = _IN_PLACE[activation]
        self._differentiate: Final = _DERIVATIVES[activation]
        self._memory: Final = memory
        self._rows = torch.empty(0)

    def forward(self, rows: Tensor) -> Tensor:
        """Return the last layer's output, (K, B, O), for rows, (K, B, I); valid until the next pass."""
        self._rows = value = rows
        for index, (layer, output) in enumerate(zip(self._layers, self._memory.outputs, strict=True)):
            value = torch.baddbmm(layer.bias, value, layer.weight, out=output)
            if index < self._activated:
                self._activate(value)
        return value

    def fit(self, of_output: Tensor) -> None:
        """Write the gradients of the weights, for the gradient in the output of the last `forward`, (K, B, O).

        It is overwritten where the last layer is activated.
        """
        gradient = of_output
        for index in reversed(range(len(self._layers))):
            layer, below = self._layers[index], self._below(index)
            assert layer.of_weight is not None and layer.of_bias is not None  # noqa: S101, PT018 - fitted ones have them
            if index < self._activated:
                self._differentiate(gradient, self._memory.outputs[index])
            torch.bmm(below.transpose(1, 2), gradient, out=layer.of_weight)
            torch.sum(gradient, 1, keepdim=True, out=layer.of_bias)
            if index:
                gradient = self._through(index, gradient)

    def of_inputs(self, of_output: Tensor, begin: int = 0) -> Tensor:
        """Return the gradient in the rows' columns from `begin` on, (K, B, I − begin); the weights' are left alone.

        As `fit`, it may overwrite what it is given.
        """
        gradient = of_output
        for index in reversed(range(len(self._layers))):
            if index < self._activated:
                self._differentiate(gradient, self._memory.outputs[index])
            if index:
                gradient = self._through(index, gradient)
        return torch.bmm(gradient, self._layers[0].weight[:, begin:].transpose(1, 2))

    def tangent(self, along: Sequence[Layer]) -> Tensor:
        """Return the derivative of the last `forward`'s output along a direction in weights and biases, (K, B, O).

        żᵢ = f'(zᵢ)∘(zᵢ₋₁·Ẇᵢ + ḃᵢ + żᵢ₋₁·Wᵢ),  ż₀ = 0
        """
        moved = None
        for index, (layer, direction) in enumerate(zip(self._layers, along, strict=True)):
            change = torch.baddbmm(direction.bias, self._below(index), direction.weight)
            moved = change if moved is None else change.baddbmm_(moved, layer.weight)
            if index < self._activated:
                self._differentiate(moved, self._memory.outputs[index])
        assert moved is not None  # noqa: S101 - there is a layer
        return moved

    def _below(self, index: int) -> Tensor:
        return self._memory.outputs[index - 1] if index else self._rows

    def _through(self, index: int, gradient: Tensor) -> Tensor:
        """Return the gradient in the output of the layer below."""
        weight, out = self._layers[index].weight.transpose(1, 2), self._memory.gradients[index - 1]
        if weight.shape[1] == 1:  # one output: the product is an outer one, which bmm is slow at
            return torch.mul(gradient, weight, out=out)
        return torch.bmm(gradient, weight, out=out)


class SizedPasses:
    """One network, run over batches of any size: the buffers of the latest sizes stay.

    Args:
        layers: Its layers.
        activation: f
        activated: After how many of the layers.
    """

    def __init__(self, layers: Sequence[Layer], activation: Activation, activated: int) -> None:
        self._layers: Final = layers
        self._activation: Final = activation
        self._activated: Final = activated
        self._passes: Final = dict[int, LayeredPass]()

    def of(self, rows: int) -> LayeredPass:
        """Return the pass over so many rows."""
        if rows not in self._passes:
            if len(self._passes) == _SIZES_MAX:
                self._passes.clear()
            memory = Memory(self._layers, rows)
            self._passes[rows] = LayeredPass(self._layers, self._activation, self._activated, memory)
        return self._passes[rows]
