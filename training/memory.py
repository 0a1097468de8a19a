"""Memory of a network: a GRU or LSTM whose output is appended to the network's input, or none."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import ClassVar, Final

import torch
from torch import Tensor, nn

from sim2real.configs.schema.memory import MemoryConfig

_PART: Final = "memory."
"""Of the names of a network's tensors: those of its memory."""

State = tuple[Tensor, ...]
"""State of n robots, (n, H) each; of a sequence the states after every step, (T, n, H) each. Empty without memory."""


class Memory(nn.Module):
    """No memory: rows pass through, and there is no state.

    A network sees its row with the memory's output beside it. So a policy that was trained without memory can be given
    one that does nothing yet, and acts as before.
    """

    width: int = 0
    """H, the number of values appended to a row."""
    state_count: ClassVar[int] = 0
    """Number of tensors of a state."""

    @property
    def recurrent(self) -> bool:
        """Whether there is a state."""
        return self.state_count > 0

    @property
    def shapes(self) -> tuple[tuple[int, ...], ...]:
        """Shapes of one robot's state, (1, H) each, as the contract names them."""
        return ((1, self.width),) * self.state_count

    def initial(self, n: int) -> State:
        """Return the state of n robots at the start of an episode: zeros."""
        weight = next(self.parameters(), None)
        return () if weight is None else tuple(weight.new_zeros(n, self.width) for _ in range(self.state_count))

    def step(self, rows: Tensor, state: State) -> tuple[Tensor, State]:
        """Return rows with the memory's output, (n, I) to (n, I + H), and the next state."""
        return rows, state

    def forward(self, rows: Tensor, state: State, ended: Tensor | None) -> tuple[Tensor, State]:
        """Run over a sequence.

        Args:
            rows: (T, n, I); without memory, rows of any shape.
            state: Before the first row, (n, H) each.
            ended: (T, n) bool: an episode ended after this row, so that the next one starts from zeros. None without
                memory.

        Returns:
            Rows with the memory's output, (T, n, I + H), and the states after each row, before any reset, (T, n, H)
            each.
        """
        return rows, state


class _Gated(Memory):
    """A cell of gates g = Wx + b + Uh + c; the input's part is computed for a whole sequence at once."""

    gates: ClassVar[int]

    def __init__(self, inputs: int, size: int, generator: torch.Generator) -> None:
        super().__init__()
        self.width = size
        self.input: Final = nn.Linear(inputs, self.gates * size)
        self.hidden: Final = nn.Linear(size, self.gates * size)
        for layer in (self.input, self.hidden):
            for gate in layer.weight.detach().chunk(self.gates):
                nn.init.orthogonal_(gate, generator=generator)
            nn.init.zeros_(layer.bias)

    @abstractmethod
    def _next(self, projected: Tensor, state: State) -> State:
        """Return the next state for Wx + b of one step, (n, gates·H)."""

    def step(self, rows: Tensor, state: State) -> tuple[Tensor, State]:
        """Return rows with the memory's output, and the next state."""
        following = self._next(self.input(rows), state)
        return torch.cat((rows, following[0]), dim=-1), following

    def forward(self, rows: Tensor, state: State, ended: Tensor | None) -> tuple[Tensor, State]:
        """Run over a sequence; no gradient passes the end of an episode."""
        if ended is None:
            raise ValueError("a sequence needs to know where its episodes ended")
        running = (~ended).to(rows.dtype).unsqueeze(-1)
        resets = ended.any(dim=1).tolist()
        steps: list[State] = []
        for step, projected in enumerate(self.input(rows)):
            after = self._next(projected, state)
            steps.append(after)
            state = tuple(part * running[step] for part in after) if resets[step] else after
        states = tuple(torch.stack(parts) for parts in zip(*steps, strict=True))
        return torch.cat((rows, states[0]), dim=-1), states


class Gru(_Gated):
    """Gated recurrent unit (Cho et al. 2014), with the reset gate after the product, as in cuDNN and torch.

    r = σ(W_r x + U_r h), z = σ(W_z x + U_z h), n = tanh(W_n x + r ∘ (U_n h)), h' = n + z ∘ (h − n); each with biases.
    """

    gates = 3
    state_count = 1

    def _next(self, projected: Tensor, state: State) -> State:
        (hidden,) = state
        size = self.width
        recurrent = self.hidden(hidden)
        gates = torch.sigmoid(projected[:, : 2 * size] + recurrent[:, : 2 * size])
        reset, update = gates[:, :size], gates[:, size:]
        candidate = torch.tanh(torch.addcmul(projected[:, 2 * size :], reset, recurrent[:, 2 * size :]))
        return (torch.lerp(candidate, hidden, update),)


class Lstm(_Gated):
    """Long short-term memory (Hochreiter & Schmidhuber 1997, with the forget gate of Gers et al. 2000).

    i, f, o = σ(Wx + Uh), g = tanh(Wx + Uh), c' = f ∘ c + i ∘ g, h' = o ∘ tanh(c'); each with biases. The forget gate's
    bias begins at 1, so that it is open (Jozefowicz et al. 2015).
    """

    gates = 4
    state_count = 2

    def __init__(self, inputs: int, size: int, generator: torch.Generator) -> None:
        super().__init__(inputs, size, generator)
        with torch.no_grad():
            self.input.bias[size : 2 * size] = 1.0

    def _next(self, projected: Tensor, state: State) -> State:
        hidden, cell = state
        size = self.width
        gates = projected + self.hidden(hidden)
        admit, keep, show = torch.sigmoid(gates[:, : 3 * size]).chunk(3, dim=1)
        cell = torch.addcmul(admit * torch.tanh(gates[:, 3 * size :]), keep, cell)
        return show * torch.tanh(cell), cell


_KINDS: Final[dict[str, type[_Gated]]] = {"gru": Gru, "lstm": Lstm}


def make_memory(config: MemoryConfig | None, inputs: int, generator: torch.Generator) -> Memory:
    """Return the memory of a network with so many inputs; without a configuration, none."""
    return Memory() if config is None else _KINDS[config.kind](inputs, config.size, generator)


def forgotten(state: State, ended: Tensor) -> State:
    """Return states, (n, H) each, with zeros where an episode ended, (n,) bool."""
    return tuple(part.masked_fill(ended.unsqueeze(-1), 0.0) for part in state)


def grown(module: nn.Module, saved: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
    """Return the saved state of a network without memory as one of the same network with memory.

    It then computes the same: the first layer's new columns, which read the memory, are zero. The memory is the one
    that the module has. Any other state is returned as it is.

    Args:
        module: The network; with `memory`, where it has one.
        saved: The state.
    """
    memory = getattr(module, "memory", None)
    if not isinstance(memory, Memory) or not memory.recurrent or any(name.startswith(_PART) for name in saved):
        return saved
    own = module.state_dict()
    state = dict(saved) | {name: tensor for name, tensor in own.items() if name.startswith(_PART)}
    for name, tensor in saved.items():
        wanted = own[name].shape if name in own else tensor.shape
        if len(wanted) == 2 and wanted == (tensor.shape[0], tensor.shape[1] + memory.width):
            state[name] = torch.cat((tensor, tensor.new_zeros(len(tensor), memory.width)), dim=1)
    return state
