"""Action-value networks with stacked weights: all of them in one batched product per layer."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn.functional import elu

from sim2real.configs.schema.algorithm import Activation
from sim2real.training.memory import Memory
from sim2real.training.networks import GAINS

# Over the product that nobody else reads: half the memory is touched.
_IN_PLACE: Final[dict[Activation, Callable[[Tensor], Tensor]]] = {
    "tanh": torch.tanh_,
    "elu": partial(elu, inplace=True),
    "relu": torch.relu_,
}


class Critics(nn.Module):
    """K action-value networks Q₁ … Q_K: one `baddbmm` per layer instead of K products.

    Two of them measured 1.2 to 1.4 times as fast as two networks, at batch 256 on one CPU thread.

    Args:
        inputs: O + P + H + A, width of a state, of what is remembered, and of an action.
        hidden: Widths of the hidden layers.
        activation: Their activation function.
        generator: Random numbers of the initial weights.
        count: K
        memory: Memory of all of them, whose output stands behind a state; None for none.
    """

    def __init__(
        self,
        inputs: int,
        hidden: Sequence[int],
        activation: Activation,
        generator: torch.Generator,
        *,
        count: int = 2,
        memory: Memory | None = None,
    ) -> None:
        super().__init__()
        sizes = [inputs, *hidden, 1]
        gains = [GAINS[activation]] * len(hidden) + [1.0]
        self.count = count
        self.weights = nn.ParameterList()
        self.biases = nn.ParameterList()
        for fan_in, fan_out, gain in zip(sizes, sizes[1:], gains, strict=False):
            weight = torch.empty(count, fan_in, fan_out)
            for one in weight:
                nn.init.orthogonal_(one, gain, generator=generator)
            self.weights.append(nn.Parameter(weight))
            self.biases.append(nn.Parameter(torch.zeros(count, 1, fan_out)))
        self.memory: Final = memory or Memory()
        self._activation: Final = _IN_PLACE[activation]

    def forward(self, state: Tensor, action: Tensor) -> Tensor:
        """Return the values of each row: (n, O + P + H), with what is remembered, and (n, A) to (K, n)."""
        value = torch.cat((state, action), dim=-1).expand(self.count, -1, -1)
        return self._values(value, list(self.weights), list(self.biases))

    def first(self, state: Tensor, action: Tensor) -> Tensor:
        """Return the values of the first network alone, (n,)."""
        value = torch.cat((state, action), dim=-1).unsqueeze(0)
        return self._values(value, [weight[:1] for weight in self.weights], [bias[:1] for bias in self.biases])[0]

    def _values(self, value: Tensor, weights: Sequence[Tensor], biases: Sequence[Tensor]) -> Tensor:
        last = len(weights) - 1
        for index, (weight, bias) in enumerate(zip(weights, biases, strict=True)):
            value = torch.baddbmm(bias, value, weight)
            if index < last:
                value = self._activation(value)
        return value.squeeze(-1)
