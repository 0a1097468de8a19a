"""Networks: a common body and a value network."""

import math
from collections.abc import Sequence
from typing import Final

import torch
from torch import Tensor, nn

from sim2real.configs.schema.algorithm import Activation
from sim2real.configs.schema.memory import MemoryConfig
from sim2real.training.memory import State, make_memory

ACTIVATIONS: Final[dict[Activation, type[nn.Module]]] = {"tanh": nn.Tanh, "elu": nn.ELU, "relu": nn.ReLU}
"""Activation functions by name."""

GAINS: Final[dict[Activation, float]] = {"tanh": 5.0 / 3.0, "elu": math.sqrt(2.0), "relu": math.sqrt(2.0)}
"""Gains that preserve the variance of activations, from torch.nn.init.calculate_gain; ELU as ReLU."""

POLICY_HEAD_GAIN: Final = 0.01
"""Initial scale of the last policy layer: 100 times smaller, so that the first actions hardly depend on the observation
(Andrychowicz et al. 2021, §3.2)."""


def linear(inputs: int, outputs: int, gain: float, generator: torch.Generator) -> nn.Linear:
    """Return a linear layer with orthogonal weights of the given gain and zero bias."""
    layer = nn.Linear(inputs, outputs)
    nn.init.orthogonal_(layer.weight, gain, generator=generator)
    nn.init.zeros_(layer.bias)
    return layer


def body(inputs: int, hidden: Sequence[int], activation: Activation, generator: torch.Generator) -> nn.Sequential:
    """Return the hidden layers of a network, each followed by its activation: (n, inputs) to (n, hidden[-1])."""
    layers: list[nn.Module] = []
    for width in hidden:
        layers += [linear(inputs, width, GAINS[activation], generator), ACTIVATIONS[activation]()]
        inputs = width
    return nn.Sequential(*layers)


class ValueNetwork(nn.Module):
    """V(s): normalised rows, (…, I), to values, (…,); with memory, of a sequence.

    Args:
        inputs: I
        hidden: Widths of the hidden layers.
        activation: Their activation function.
        generator: Random numbers of the initial weights.
        memory: What it remembers; None for nothing.
    """

    def __init__(
        self,
        inputs: int,
        hidden: Sequence[int],
        activation: Activation,
        generator: torch.Generator,
        memory: MemoryConfig | None = None,
    ) -> None:
        super().__init__()
        self.inputs: Final = inputs
        self.memory = make_memory(memory, inputs, generator)
        width = inputs + self.memory.width
        self.body = body(width, hidden, activation, generator)
        self.head = linear(hidden[-1] if hidden else width, 1, 1.0, generator)

    def forward(self, rows: Tensor, state: State = (), ended: Tensor | None = None) -> tuple[Tensor, State]:
        """Return values, and states after each row; arguments as of `Memory`."""
        remembered, states = self.memory(rows, state, ended)
        return self.value(remembered), states

    def value(self, remembered: Tensor) -> Tensor:
        """Return the values of rows that have the memory's output: (…, I + H) to (…,)."""
        value: Tensor = self.head(self.body(remembered))
        return value.squeeze(-1)
