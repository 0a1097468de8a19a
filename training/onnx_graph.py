"""The ONNX graph of a policy, built node by node from its weights, without torch's exporter."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from sim2real.configs.errors import NonFiniteError
from sim2real.training.policy import Policy

OPSET: Final = 17
"""ONNX operator set; needs onnxruntime ≥ 1.12."""
IR_VERSION: Final = 8
"""File format of opset 17."""
INPUT: Final = "observation"
OUTPUT: Final = "action"

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
    """A chain of nodes, each applied to the output of the previous one."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self._value = INPUT

    def constant(self, name: str, tensor: Tensor) -> str:
        """Store a tensor in the graph as float32; return its name."""
        array = tensor.detach().to(torch.float32).contiguous().numpy()
        self.constants.append(numpy_helper.from_array(array, name))
        return name

    def append(self, operator: str, *constants: str, transposed: bool = False) -> None:
        """Append a node with constants as further inputs; `transposed` if its matrix is (outputs, inputs)."""
        output = f"{operator.lower()}_{len(self.nodes)}"
        node = helper.make_node(operator, [self._value, *constants], [output], name=output)
        if transposed:
            node.attribute.append(helper.make_attribute("transB", 1))
        self.nodes.append(node)
        self._value = output

    def linear(self, name: str, layer: nn.Linear) -> None:
        """Append x·Wᵀ + b."""
        weight = self.constant(f"{name}.weight", layer.weight)
        self.append("Gemm", weight, self.constant(f"{name}.bias", layer.bias), transposed=True)

    def finish(self, inputs: int, outputs: int) -> onnx.GraphProto:
        """Return the graph, (batch, inputs) to (batch, outputs)."""
        self.nodes[-1].output[0] = OUTPUT
        return helper.make_graph(
            self.nodes,
            "policy",
            [helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, ["batch", inputs])],
            [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, ["batch", outputs])],
            self.constants,
        )


def policy_model(policy: Policy, metadata: Mapping[str, str]) -> onnx.ModelProto:
    """Return the checked ONNX model of a policy: normalisation, body and head, in that order.

    Input `observation`, (batch, O), and output `action`, (batch, A), are float32; any batch size.
    """
    builder = GraphBuilder()
    builder.append("Sub", builder.constant("normalizer.shift", policy.normalizer.shift))
    builder.append("Mul", builder.constant("normalizer.factor", policy.normalizer.factor))
    for index, layer in enumerate(policy.body):
        if isinstance(layer, nn.Linear):
            builder.linear(f"body.{index}", layer)
        else:
            builder.append(_OPERATORS[type(layer)])
    builder.linear("head", policy.head)
    if policy.squash:
        builder.append("Tanh")
    graph = builder.finish(policy.normalizer.shift.numel(), policy.head.out_features)
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION, producer_name="sim2real"
    )
    helper.set_model_props(model, dict(metadata))
    onnx.checker.check_model(model, full_check=True)
    return model
