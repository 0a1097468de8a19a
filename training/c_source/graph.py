"""The graph of an ONNX model as a list of nodes on arrays of fixed shape, one robot at a time."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import onnx
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper, shape_inference
from onnx.reference import ReferenceEvaluator

from sim2real.configs.errors import UserError

Array = npt.NDArray[Any]

_OPSET_MIN: Final = 13
"""Earlier ones have as attributes what are inputs now."""
_FOLDED_MAX: Final = 10_000_000
"""Values of a computed constant: more fits no microcontroller."""


@dataclass(frozen=True)
class Node:
    """One operator at work."""

    operator: str
    inputs: tuple[str, ...]
    """Names of values; empty for an optional input that is left out."""
    outputs: tuple[str, ...]
    attributes: dict[str, Any]

    @property
    def words(self) -> str:
        """The node, for messages."""
        return f"{self.operator} ({', '.join(name for name in self.outputs if name)})"


@dataclass(frozen=True)
class Graph:
    """Nodes in the order of their work."""

    nodes: tuple[Node, ...]
    constants: dict[str, Array]
    shapes: dict[str, tuple[int, ...]]
    """Of all values that are not constants, with a batch of one."""
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]

    def shape(self, name: str) -> tuple[int, ...]:
        """Return the shape of a value, constant or not. Raises UserError if it is not fixed."""
        if name in self.constants:
            return tuple(self.constants[name].shape)
        if name not in self.shapes:
            raise UserError(f"the shape of {name!r} in the policy's graph is not fixed; C needs it when it is compiled")
        return self.shapes[name]


def read_graph(model: bytes) -> Graph:
    """Return the graph of a model for a batch of one; what depends on no input is computed here.

    Raises:
        UserError: The operator set is too old, the model has functions of its own or values that are not float32, or
            its shapes contradict each other.
    """
    proto = onnx.load_from_string(model)
    version = max((entry.version for entry in proto.opset_import if entry.domain in ("", "ai.onnx")), default=0)
    if not version >= _OPSET_MIN:
        raise UserError(f"the policy's graph is of ONNX operator set {version}; valid: {_OPSET_MIN} and later")
    if proto.functions:
        raise UserError("the policy's graph calls functions of its own; valid: plain operators of ONNX")
    _fix_batch(proto)
    try:
        inferred = shape_inference.infer_shapes(proto, strict_mode=True, data_prop=True)
    except Exception as error:  # whatever onnx throws of a graph
        raise UserError(f"the shapes of the policy's graph contradict each other: {error}") from error
    graph = inferred.graph
    constants: dict[str, Array] = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    shapes = _shapes([*graph.input, *graph.value_info, *graph.output])
    nodes = [_node(entry) for entry in graph.node if not _fold(entry, constants, shapes, inferred)]
    names = tuple(value.name for value in graph.input if value.name not in constants)
    return Graph(tuple(nodes), constants, shapes, names, tuple(value.name for value in graph.output))


def _fix_batch(model: ModelProto) -> None:
    """Set what is free of every input's shape to one; forget what was said of other shapes, which follow from it."""
    for value in model.graph.input:
        for axis in value.type.tensor_type.shape.dim:
            if not axis.HasField("dim_value"):
                axis.dim_value = 1
    del model.graph.value_info[:]
    for value in model.graph.output:
        value.type.tensor_type.ClearField("shape")


def _shapes(values: list[onnx.ValueInfoProto]) -> dict[str, tuple[int, ...]]:
    shapes = {}
    for value in values:
        tensor = value.type.tensor_type
        axes = tensor.shape.dim
        if tensor.HasField("shape") and all(axis.HasField("dim_value") for axis in axes):
            shapes[value.name] = tuple(int(axis.dim_value) for axis in axes)
            if tensor.elem_type not in (TensorProto.FLOAT, TensorProto.INT64):
                kind = TensorProto.DataType.Name(tensor.elem_type).lower()
                raise UserError(f"{value.name!r} in the policy's graph is {kind}; valid: float (32 bits)")
    return shapes


def _fold(node: NodeProto, constants: dict[str, Array], shapes: dict[str, tuple[int, ...]], model: ModelProto) -> bool:
    """Compute a node that depends on constants and shapes alone; tell whether it does."""
    if node.op_type == "Shape" and node.input[0] in shapes and not node.attribute:
        constants[node.output[0]] = np.array(shapes[node.input[0]], np.int64)
        return True
    sized = sum(int(np.prod(shapes.get(name, (1,)))) for name in node.output)
    if not all(name in constants or not name for name in node.input) or sized > _FOLDED_MAX or node.domain:
        return False
    try:
        version = {entry.domain: entry.version for entry in model.opset_import}
        evaluator = ReferenceEvaluator(node, opsets=version)
        found = evaluator.run(None, {name: constants[name] for name in node.input if name})
    except Exception:  # noqa: BLE001 - an operator that onnx cannot compute is named as any that is not known
        return False
    constants.update(zip(node.output, (np.asarray(value) for value in found), strict=False))
    return True


def _node(node: NodeProto) -> Node:
    operator = node.op_type if node.domain in ("", "ai.onnx") else f"{node.domain}::{node.op_type}"
    attributes = {entry.name: helper.get_attribute_value(entry) for entry in node.attribute}
    return Node(operator, tuple(node.input), tuple(node.output), attributes)
