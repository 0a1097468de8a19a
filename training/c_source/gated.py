"""GRU and LSTM of ONNX as C source: one step, one direction."""

from math import prod

import numpy as np

from sim2real.configs.errors import UserError
from sim2real.training.c_source.graph import Array, Node
from sim2real.training.c_source.network import DENSE, SIGMOID, Network


def gru(network: Network, node: Node) -> None:
    """Gates in the order z, r, h: h' = (1 - z)·n + z·h; n resets before or after the product, as an attribute says."""
    size = _size(network, node, 3, ["Sigmoid", "Tanh"])
    _refuse(node, network.given(node, 4), "sequence lengths")
    after = bool(node.attributes.get("linear_before_reset", 0))
    weight, hidden, input_bias, hidden_bias = _matrices(network, node, 3, size)
    state = _state(network, node, 5, size)
    dense, sigmoid = network.call("dense", DENSE), network.call("sigmoid", SIGMOID)
    x, inputs = network.pointer(node.inputs[0]), weight.shape[1]
    g, u = network.scratch("input gates", 3 * size), network.scratch("state gates", 3 * size)
    next_state = network.output(node, 1) if _wanted(node, 1) else network.scratch("next state", size)
    lines = [f"{dense}({network.constant(weight)}, {network.constant(input_bias)}, {x}, {g}, {3 * size}, {inputs});"]
    update, reset = f"{sigmoid}({g}[i] + {u}[i])", f"{sigmoid}({g}[{size} + i] + {u}[{size} + i])"
    if after:
        lines += [
            f"{dense}({network.constant(hidden)}, {network.constant(hidden_bias)}, {state}, {u}, {3 * size}, {size});",
            f"for (int i = 0; i < {size}; i++) {{",
            f"    const float n = tanhf({g}[{2 * size} + i] + {reset} * {u}[{2 * size} + i]);",
            f"    const float z = {update};",
        ]
    else:
        gates, last = np.ascontiguousarray(hidden[: 2 * size]), np.ascontiguousarray(hidden[2 * size :])
        held = network.scratch("reset state", size)
        first_bias = network.constant(np.ascontiguousarray(hidden_bias[: 2 * size]))
        last_bias = network.constant(np.ascontiguousarray(hidden_bias[2 * size :]))
        lines += [
            f"{dense}({network.constant(gates)}, {first_bias}, {state}, {u}, {2 * size}, {size});",
            f"for (int i = 0; i < {size}; i++)",
            f"    {held}[i] = {reset} * {state}[i];",
            f"{dense}({network.constant(last)}, {last_bias}, {held}, {u} + {2 * size}, {size}, {size});",
            f"for (int i = 0; i < {size}; i++) {{",
            f"    const float n = tanhf({g}[{2 * size} + i] + {u}[{2 * size} + i]);",
            f"    const float z = {update};",
        ]
    lines += [f"    {next_state}[i] = (1.0f - z) * n + z * {state}[i];", "}"]
    network.lines += lines
    network.multiplications += 3 * size * (inputs + size) + 3 * size
    _sequence(network, node, next_state, size)


def lstm(network: Network, node: Node) -> None:
    """Gates in the order i, o, f, c: c' = f·c + i·tanh(g), h' = o·tanh(c')."""
    size = _size(network, node, 4, ["Sigmoid", "Tanh", "Tanh"])
    _refuse(node, network.given(node, 4), "sequence lengths")
    _refuse(node, network.given(node, 7), "peepholes")
    _refuse(node, node.attributes.get("input_forget", 0) != 0, "coupled gates")
    weight, hidden, input_bias, hidden_bias = _matrices(network, node, 4, size)
    state, cell = _state(network, node, 5, size), _state(network, node, 6, size)
    dense, sigmoid = network.call("dense", DENSE), network.call("sigmoid", SIGMOID)
    x, inputs = network.pointer(node.inputs[0]), weight.shape[1]
    g, u = network.scratch("input gates", 4 * size), network.scratch("state gates", 4 * size)
    next_state = network.output(node, 1) if _wanted(node, 1) else network.scratch("next state", size)
    next_cell = network.output(node, 2) if _wanted(node, 2) else network.scratch("next cell", size)
    i, o, f, c = (f"{g}[{gate * size} + i] + {u}[{gate * size} + i]" for gate in range(4))
    network.lines += [
        f"{dense}({network.constant(weight)}, {network.constant(input_bias)}, {x}, {g}, {4 * size}, {inputs});",
        f"{dense}({network.constant(hidden)}, {network.constant(hidden_bias)}, {state}, {u}, {4 * size}, {size});",
        f"for (int i = 0; i < {size}; i++) {{",
        f"    {next_cell}[i] = {sigmoid}({f}) * {cell}[i] + {sigmoid}({i}) * tanhf({c});",
        f"    {next_state}[i] = {sigmoid}({o}) * tanhf({next_cell}[i]);",
        "}",
    ]
    network.multiplications += 4 * size * (inputs + size) + 3 * size
    _sequence(network, node, next_state, size)


def _size(network: Network, node: Node, gates: int, activations: list[str]) -> int:
    """Return H. Raises UserError for what is not one step of one robot in one direction, with the usual functions."""
    known = node.attributes
    named = [name.decode() for name in known.get("activations", [])]
    _refuse(node, known.get("direction", b"forward") != b"forward", "another direction than forward")
    _refuse(node, bool(named) and named != activations, f"activations {', '.join(named)}")
    _refuse(node, "clip" in known, "a clip")
    x = network.graph.shape(node.inputs[0])
    _refuse(node, x[0] != 1 or x[1] != 1, f"an input of shape {list(x)}, more than one step of one robot")
    return int(network.fixed(node, 1).shape[1]) // gates


def _matrices(network: Network, node: Node, gates: int, size: int) -> tuple[Array, Array, Array, Array]:
    """Return W, R and their biases."""
    weight, hidden = network.fixed(node, 1)[0], network.fixed(node, 2)[0]
    both = network.fixed(node, 3)[0] if network.given(node, 3) else np.zeros(2 * gates * size, np.float32)
    return weight, hidden, np.ascontiguousarray(both[: gates * size]), np.ascontiguousarray(both[gates * size :])


def _state(network: Network, node: Node, index: int, size: int) -> str:
    """Return a pointer to a state before the step: zeros if it is left out."""
    if network.given(node, index):
        return network.pointer(node.inputs[index])
    return network.constant(np.zeros(size, np.float32))


def _wanted(node: Node, index: int) -> bool:
    return len(node.outputs) > index and bool(node.outputs[index])


def _sequence(network: Network, node: Node, next_state: str, size: int) -> None:
    """Write the output of the whole sequence, which is that of its one step."""
    if _wanted(node, 0):
        if prod(network.graph.shape(node.outputs[0])) != size:
            raise UserError(f"operator {node.words} of the policy's graph: more than one step")
        out = network.output(node, 0)
        network.lines += [f"for (int i = 0; i < {size}; i++)", f"    {out}[i] = {next_state}[i];"]


def _refuse(node: Node, wrong: bool, what: str) -> None:
    if wrong:
        raise UserError(f"operator {node.words} of the policy's graph has {what}, which is not written as C")
