"""Operators of ONNX as C source, after the definitions of the ONNX operator set (onnx.ai/onnx/operators)."""

from collections.abc import Callable
from functools import partial
from math import prod
from typing import Any, Final

import numpy as np

from sim2real.configs.errors import UserError
from sim2real.training.c_source.gated import gru, lstm
from sim2real.training.c_source.graph import Node
from sim2real.training.c_source.literals import single
from sim2real.training.c_source.network import DENSE, SIGMOID, Network, Strided, strides_of


def _number(value: Any) -> str:  # noqa: ANN401 - an attribute's or a constant's number
    return single(np.float32(value))


def _unary(expression: str, network: Network, node: Node, **numbers: float) -> None:
    """Write f(x), element by element; the expression names x, and attributes by name with their defaults."""
    texts = {name: _number(node.attributes.get(name, default)) for name, default in numbers.items()}
    source, out = network.pointer(node.inputs[0]), network.output_in_place(node)
    size = prod(network.graph.shape(node.outputs[0]))
    network.lines += [
        f"for (int i = 0; i < {size}; i++) {{",
        f"    const float x = {source}[i];",
        f"    {out}[i] = {expression.format(**texts)};",
        "}",
    ]


def _sigmoid(network: Network, node: Node) -> None:
    _unary(f"{network.call('sigmoid', SIGMOID)}(x)", network, node)


def _clip(network: Network, node: Node) -> None:
    """Clip between two constants, of which each may be missing."""
    low, high = (_number(network.fixed(node, index).item()) if network.given(node, index) else None for index in (1, 2))
    text = "x"
    if low is not None:
        text = f"fmaxf({text}, {low})"
    if high is not None:
        text = f"fminf({text}, {high})"
    _unary(text, network, node)


def _binary(expression: str, multiplies: bool, network: Network, node: Node) -> None:
    """Write f(x, y), element by element, broadcast as numpy does."""
    graph = network.graph
    shape = graph.shape(node.outputs[0])
    shapes = [graph.shape(name) for name in node.inputs]
    pointers = [network.pointer(name) for name in node.inputs]
    sizes = [prod(of) for of in shapes]
    if multiplies:
        network.multiplications += prod(shape)
    if all(size in (1, prod(shape)) for size in sizes):  # one loop does
        out = network.output_in_place(node) if 1 not in sizes or prod(shape) == 1 else network.output(node)
        flat = [Strided(pointer, (int(size > 1),)) for pointer, size in zip(pointers, sizes, strict=True)]
        network.each((prod(shape),), f"{{out}} = {expression};", _operands(flat, Strided(out, (1,))))
        return
    out = network.output(node)
    spread = [
        Strided(pointer, (0,) * (len(shape) - len(of)) + strides_of(of))
        for pointer, of in zip(pointers, shapes, strict=True)
    ]
    network.each(shape, f"{{out}} = {expression};", _operands(spread, Strided(out, strides_of(shape))))


def _operands(read: list[Strided], out: Strided) -> dict[str, Strided]:
    return dict(zip(("x", "y"), read, strict=False)) | {"out": out}


def _gemm(network: Network, node: Node) -> None:
    """Write alpha·x·W + beta·b."""
    known = {"alpha": 1.0, "beta": 1.0, "transA": 0, "transB": 0} | node.attributes
    weight = network.fixed(node, 1)
    if known["transA"] or network.graph.shape(node.inputs[0])[0] != 1:
        raise UserError(f"operator {node.words} of the policy's graph: valid: one row, not transposed")
    matrix = weight if known["transB"] else weight.T
    bias = network.fixed(node, 2) if network.given(node, 2) else None
    _dense(network, node, _scaled(matrix, known["alpha"]), None if bias is None else _scaled(bias, known["beta"]))


def _scaled(values: np.ndarray[Any, Any], factor: float) -> np.ndarray[Any, Any]:
    return values if factor == 1.0 else (values.astype(np.float64) * factor).astype(np.float32)


def _matmul(network: Network, node: Node) -> None:
    weight = network.fixed(node, 1)
    if weight.ndim != 2:
        raise UserError(f"operator {node.words} of the policy's graph: valid: times a matrix of two axes")
    _dense(network, node, weight.T, None)


def _dense(network: Network, node: Node, matrix: np.ndarray[Any, Any], bias: np.ndarray[Any, Any] | None) -> None:
    """Rows of x times a matrix, (outputs, inputs), plus a bias."""
    outputs, inputs = matrix.shape
    rows = prod(network.graph.shape(node.inputs[0])) // inputs
    weights = network.constant(np.ascontiguousarray(matrix))
    offset = "0" if bias is None else network.constant(np.broadcast_to(bias, (1, outputs)))
    dense, source, out = network.call("dense", DENSE), network.pointer(node.inputs[0]), network.output(node)
    for row in range(rows):
        place = f"{source} + {row * inputs}, {out} + {row * outputs}" if rows > 1 else f"{source}, {out}"
        network.lines.append(f"{dense}({weights}, {offset}, {place}, {outputs}, {inputs});")
    network.multiplications += rows * outputs * inputs


def _concat(network: Network, node: Node) -> None:
    graph = network.graph
    shape = graph.shape(node.outputs[0])
    axis = node.attributes["axis"] % len(shape)
    out, start = network.output(node), 0
    for name in node.inputs:
        part, steps = graph.shape(name), strides_of(shape)
        place = Strided(out, steps, start * prod(shape[axis + 1 :]))
        network.each(part, "{out} = {x};", {"x": Strided(network.pointer(name), strides_of(part)), "out": place})
        start += part[axis]


def _split(network: Network, node: Node) -> None:
    graph = network.graph
    shape = graph.shape(node.inputs[0])
    axis, start = node.attributes.get("axis", 0) % len(shape), 0
    source = network.pointer(node.inputs[0])
    for index, name in enumerate(node.outputs):
        part = graph.shape(name)
        read = Strided(source, strides_of(shape), start * prod(shape[axis + 1 :]))
        network.each(part, "{out} = {x};", {"x": read, "out": Strided(network.output(node, index), strides_of(part))})
        start += part[axis]


def _slice(network: Network, node: Node) -> None:
    shape, part = network.graph.shape(node.inputs[0]), network.graph.shape(node.outputs[0])
    starts, ends = (network.fixed(node, index).tolist() for index in (1, 2))
    axes = network.fixed(node, 3).tolist() if network.given(node, 3) else list(range(len(starts)))
    steps = network.fixed(node, 4).tolist() if network.given(node, 4) else [1] * len(starts)
    strides, offset = [prod(shape[axis + 1 :]) for axis in range(len(shape))], 0
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        place = axis % len(shape)
        offset += slice(start, end, step).indices(shape[place])[0] * strides[place]
        strides[place] *= step
    read = Strided(network.pointer(node.inputs[0]), tuple(strides), offset)
    network.each(part, "{out} = {x};", {"x": read, "out": Strided(network.output(node), strides_of(part))})


def _gather(network: Network, node: Node) -> None:
    """Pick along one axis, by constant indexes."""
    shape, indexes = network.graph.shape(node.inputs[0]), network.fixed(node, 1)
    axis = node.attributes.get("axis", 0) % len(shape)
    picked = [int(index) % shape[axis] for index in indexes.ravel()]
    outer, inner = prod(shape[:axis]), prod(shape[axis + 1 :])
    source, out = network.pointer(node.inputs[0]), network.output(node)
    table = f"index_{network.number}"
    network.lines += [
        f"static const int {table}[{len(picked)}] = {{{', '.join(map(str, picked))}}};",
        f"for (int o = 0; o < {outer}; o++)",
        f"    for (int i = 0; i < {len(picked)}; i++)",
        f"        for (int k = 0; k < {inner}; k++)",
        f"            {out}[(o * {len(picked)} + i) * {inner} + k] = "
        f"{source}[(o * {shape[axis]} + {table}[i]) * {inner} + k];",
    ]


def _transpose(network: Network, node: Node) -> None:
    shape, turned = network.graph.shape(node.inputs[0]), network.graph.shape(node.outputs[0])
    order = node.attributes.get("perm", list(reversed(range(len(shape)))))
    steps = strides_of(shape)
    read = Strided(network.pointer(node.inputs[0]), tuple(steps[axis] for axis in order))
    network.each(turned, "{out} = {x};", {"x": read, "out": Strided(network.output(node), strides_of(turned))})


OPERATORS: Final[dict[str, Callable[[Network, Node], None]]] = {
    "Abs": partial(_unary, "fabsf(x)"),
    "Add": partial(_binary, "{x} + {y}", False),
    "Clip": _clip,
    "Concat": _concat,
    "Div": partial(_binary, "{x} / {y}", True),
    "Elu": partial(_unary, "x > 0.0f ? x : {alpha} * expm1f(x)", alpha=1.0),
    "Exp": partial(_unary, "expf(x)"),
    "GRU": gru,
    "Gather": _gather,
    "Gemm": _gemm,
    "LSTM": lstm,
    "LeakyRelu": partial(_unary, "x > 0.0f ? x : {alpha} * x", alpha=0.01),
    "MatMul": _matmul,
    "Max": partial(_binary, "fmaxf({x}, {y})", False),
    "Min": partial(_binary, "fminf({x}, {y})", False),
    "Mul": partial(_binary, "{x} * {y}", True),
    "Neg": partial(_unary, "-x"),
    "Relu": partial(_unary, "x > 0.0f ? x : 0.0f"),
    # The numbers are the defaults of the operator's attributes.
    "Selu": partial(
        _unary,
        "{gamma} * (x > 0.0f ? x : {alpha} * expm1f(x))",
        alpha=1.67326319217681884765625,
        gamma=1.05070102214813232421875,
    ),
    "Sigmoid": _sigmoid,
    "Slice": _slice,
    "Softplus": partial(_unary, "x > 0.0f ? x + log1pf(expf(-x)) : log1pf(expf(x))"),
    "Softsign": partial(_unary, "x / (1.0f + fabsf(x))"),
    "Split": _split,
    "Sqrt": partial(_unary, "sqrtf(x)"),
    "Sub": partial(_binary, "{x} - {y}", False),
    "Tanh": partial(_unary, "tanhf(x)"),
    "Transpose": _transpose,
}
"""By the name of the operator."""
