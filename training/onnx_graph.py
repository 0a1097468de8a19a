"""The ONNX graph of a policy, built node by node from its weights, without torch's exporter."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from sim2real.configs.errors import NonFiniteError
from sim2real.training.memory import Gru, Lstm, Memory
from sim2real.training.policy import Policy

OPSET: Final = 17
"""ONNX operator set; needs onnxruntime ≥ 1.12."""
IR_VERSION: Final = 8
"""File format of opset 17."""
INPUT: Final = "observation"
OUTPUT: Final = "action"
STATE_INPUT: Final = "state_{}"
STATE_OUTPUT: Final = "next_state_{}"
"""Tensors of the memory, numbered from 0, as the runtime and the contract's `recurrent_state` have them."""

_OPERATORS: Final[dict[type[nn.Module], str]] = {nn.Tanh: "Tanh", nn.ELU: "Elu", nn.ReLU: "Relu"}


def require_finite_weights(content: bytes, path: Path) -> None:
    """Refuse an ONNX file with a weight that is not finite: some operators hide it, and act on nothing.

    Raises:
        NonFiniteError: The message names the file and the weight.
    """
    for weight in onnx.load_from_string(content).graph.initializer:
        values = numpy_helper.to_array(weight)
        if values.dtype.kind == "f" and not np.isfinite(values).all():
            count = np.count_nonzero(~np.isfinite(values))
            raise NonFiniteError(
                f"{path}: {weight.name} is not finite in {count} of {values.size} numbers; train and export again"
            )


class GraphBuilder:
    """Nodes in the order in which they are computed; each value has the name of its node."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self.inputs: list[onnx.ValueInfoProto] = []
        self.outputs: list[onnx.ValueInfoProto] = []

    def constant(self, name: str, tensor: Tensor) -> str:
        """Store a tensor in the graph as float32; return its name."""
        array = tensor.detach().cpu().to(torch.float32).contiguous().numpy()
        self.constants.append(numpy_helper.from_array(array, name))
        return name

    def input(self, name: str, width: int) -> str:
        """Declare an input, (batch, width) float32; return its name."""
        self.inputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", width]))
        return name

    def output(self, value: str, name: str, width: int) -> None:
        """Declare a value as an output, (batch, width) float32, by another name."""
        for node in self.nodes:
            for names in (node.input, node.output):
                names[:] = [name if entry == value else entry for entry in names]
        self.outputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", width]))

    def add(self, operator: str, *inputs: str, **attributes: int) -> str:
        """Append a node; return the name of its result."""
        return self._add(operator, inputs, 1, attributes)[0]

    def choose(self, value: str, choices: Tensor) -> str:
        """Append the row of `choices`, (K, A), whose score, (batch, K), is the largest; of equal ones the first."""
        best = self.add("ArgMax", value, axis=1, keepdims=0)
        return self.add("Gather", self.constant("choices", choices), best, axis=0)

    def split(self, value: str, sizes: Sequence[int]) -> list[str]:
        """Cut columns into parts of so many each."""
        name = f"split_{len(self.nodes)}_sizes"
        self.constants.append(numpy_helper.from_array(np.array(sizes, np.int64), name))
        return self._add("Split", (value, name), len(sizes), {"axis": 1})

    def linear(self, name: str, layer: nn.Linear, value: str) -> str:
        """Append x·Wᵀ + b."""
        weight = self.constant(f"{name}.weight", layer.weight)
        return self.add("Gemm", value, weight, self.constant(f"{name}.bias", layer.bias), transB=1)

    def graph(self) -> onnx.GraphProto:
        """Return the graph."""
        return helper.make_graph(self.nodes, "policy", self.inputs, self.outputs, self.constants)

    def _add(self, operator: str, inputs: Sequence[str], count: int, attributes: Mapping[str, int]) -> list[str]:
        name = f"{operator.lower()}_{len(self.nodes)}"
        outputs = [name] if count == 1 else [f"{name}_{number}" for number in range(count)]
        node = helper.make_node(operator, list(inputs), outputs, name=name)
        node.attribute.extend(helper.make_attribute(key, value) for key, value in attributes.items())
        self.nodes.append(node)
        return outputs


def policy_model(policy: Policy, metadata: Mapping[str, str]) -> onnx.ModelProto:
    """Return the checked ONNX model of a policy: normalisation, memory, body, head, and the choice of the best.

    Input `observation`, (batch, O), and output `action`, (batch, A), are float32; any batch size. With memory there are
    also inputs `state_0`, … and outputs `next_state_0`, …, (batch, H) each.
    """
    builder = GraphBuilder()
    size = policy.normalizer.shift.numel()
    value = builder.add(
        "Sub", builder.input(INPUT, size), builder.constant("normalizer.shift", policy.normalizer.shift)
    )
    value = builder.add("Mul", value, builder.constant("normalizer.factor", policy.normalizer.factor))
    following: tuple[str, ...] = ()
    if policy.memory.recurrent:
        width = policy.memory.width
        state = tuple(builder.input(STATE_INPUT.format(number), width) for number in range(policy.memory.state_count))
        following = memory_nodes(builder, policy.memory, value, state)
        value = builder.add("Concat", value, following[0], axis=1)
    for index, layer in enumerate(policy.body):
        if isinstance(layer, nn.Linear):
            value = builder.linear(f"body.{index}", layer, value)
        else:
            value = builder.add(_OPERATORS[type(layer)], value)
    value = builder.linear("head", policy.head, value)
    if policy.squash:
        value = builder.add("Tanh", value)
    outputs = policy.head.out_features
    if policy.choices is not None:
        value = builder.choose(value, policy.choices)
        outputs = policy.choices.shape[1]
    builder.output(value, OUTPUT, outputs)
    for number, name in enumerate(following):
        builder.output(name, STATE_OUTPUT.format(number), policy.memory.width)
    model = helper.make_model(
        builder.graph(), opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION, producer_name="sim2real"
    )
    helper.set_model_props(model, dict(metadata))
    onnx.checker.check_model(model, full_check=True)
    return model


def memory_nodes(builder: GraphBuilder, memory: Memory, value: str, state: tuple[str, ...]) -> tuple[str, ...]:
    """Append one step of a memory; return its next state, of which the first part is its output. As in `memory`."""
    size = memory.width
    if isinstance(memory, Gru):
        return _gru(builder, memory, value, state[0], size)
    assert isinstance(memory, Lstm)  # noqa: S101 - there are two kinds
    return _lstm(builder, memory, value, state, size)


def _gru(builder: GraphBuilder, memory: Gru, value: str, hidden: str, size: int) -> tuple[str, ...]:
    projected = builder.linear("memory.input", memory.input, value)
    recurrent = builder.linear("memory.hidden", memory.hidden, hidden)
    gates, candidate = builder.split(projected, (2 * size, size))
    recurrent_gates, recurrent_candidate = builder.split(recurrent, (2 * size, size))
    gates = builder.add("Sigmoid", builder.add("Add", gates, recurrent_gates))
    reset, update = builder.split(gates, (size, size))
    candidate = builder.add("Tanh", builder.add("Add", candidate, builder.add("Mul", reset, recurrent_candidate)))
    change = builder.add("Mul", update, builder.add("Sub", hidden, candidate))
    return (builder.add("Add", candidate, change),)


def _lstm(builder: GraphBuilder, memory: Lstm, value: str, state: tuple[str, ...], size: int) -> tuple[str, ...]:
    hidden, cell = state
    projected = builder.linear("memory.input", memory.input, value)
    gates = builder.add("Add", projected, builder.linear("memory.hidden", memory.hidden, hidden))
    opened, candidate = builder.split(gates, (3 * size, size))
    admit, keep, show = builder.split(builder.add("Sigmoid", opened), (size, size, size))
    admitted = builder.add("Mul", admit, builder.add("Tanh", candidate))
    cell = builder.add("Add", admitted, builder.add("Mul", keep, cell))
    return builder.add("Mul", show, builder.add("Tanh", cell)), cell
