"""A foreign network with our observation before it and our order of joints behind it, as one ONNX model."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import onnx
from onnx import ModelProto, NodeProto, TensorProto, ValueInfoProto, compose, helper, numpy_helper

from sim2real.configs.errors import UserError
from sim2real.runtime.policy import INPUT, OUTPUT, STATE_INPUT, STATE_OUTPUT
from sim2real.training.foreign.contract import Layout

_PREFIX: Final = "policy."


@dataclass(frozen=True)
class Network:
    """A foreign model and its tensors."""

    model: ModelProto
    observation: ValueInfoProto
    action: ValueInfoProto
    states: tuple[ValueInfoProto, ...]
    next_states: tuple[ValueInfoProto, ...]
    observations: int
    actions: int

    @property
    def state_shapes(self) -> tuple[tuple[int, ...], ...]:
        """Shapes of the recurrent state, for one robot."""
        return tuple(_shape(state) for state in self.states)


def read_network(path: Path, content: bytes) -> Network:
    """Return a model's tensors: first the observation and the action, then states with as many next states.

    Raises:
        UserError: It is no ONNX model, or has other tensors; they are named.
    """
    try:
        model = onnx.load_from_string(content)
        onnx.checker.check_model(model)
    except Exception as error:  # whatever protobuf and onnx throw of a damaged file
        raise UserError(f"{path}: not a valid ONNX model: {str(error).splitlines()[0]}") from error
    constants = {tensor.name for tensor in model.graph.initializer}
    inputs = [value for value in model.graph.input if value.name not in constants]
    outputs = list(model.graph.output)
    if not inputs or len(inputs) != len(outputs):
        raise UserError(
            f"{path}: goes from {_words(inputs)} to {_words(outputs)}; valid: an observation and states, to an action "
            "and as many next states"
        )
    (observation, *states), (action, *next_states) = inputs, outputs
    for value, other in [(observation, observation), (action, action), *zip(states, next_states, strict=True)]:
        if value.type.tensor_type.elem_type != TensorProto.FLOAT or _shape(value)[:1] != (1,):
            raise UserError(f"{path}: tensor {_words([value])}; valid: float, for one robot")
        if _shape(value) != _shape(other):
            raise UserError(f"{path}: state {_words([value])} becomes {_words([other])}, which has another shape")
    for value in (observation, action):
        if len(_shape(value)) != 2:
            raise UserError(f"{path}: tensor {_words([value])}; valid: two axes, batch and values")
    sizes = _shape(observation)[1], _shape(action)[1]
    return Network(model, observation, action, tuple(states), tuple(next_states), *sizes)


def with_contract(network: Network, layout: Layout, metadata: Mapping[str, str]) -> bytes:
    """Return the model from our observation to our action, in the names that the runtime expects."""
    model = compose.add_prefix(network.model, prefix=_PREFIX)
    graph = model.graph
    observation, action = _PREFIX + network.observation.name, _PREFIX + network.action.name
    inverse = np.argsort(layout.joints)
    before, constants = _chain(
        [
            ("Gather", "index", layout.index),
            ("Mul", "factor", layout.factor if (layout.factor != 1.0).any() else None),
            ("Add", "offset", layout.offset if layout.offset.any() else None),
        ],
        INPUT,
        observation,
    )
    after, joints = _chain([("Gather", "joints", inverse)], action, OUTPUT)
    graph.initializer.extend([*constants, *joints])
    body = list(graph.node)
    inputs, outputs = [_tensor(INPUT, (1, network.observations))], [_tensor(OUTPUT, (1, network.actions))]
    for number, (state, following) in enumerate(zip(network.states, network.next_states, strict=True)):
        given, left = STATE_INPUT.format(number), STATE_OUTPUT.format(number)
        before.append(helper.make_node("Identity", [given], [_PREFIX + state.name]))
        after.append(helper.make_node("Identity", [_PREFIX + following.name], [left]))
        inputs.append(_tensor(given, _shape(state)))
        outputs.append(_tensor(left, _shape(following)))
    kept = [value for value in graph.input if value.name in {tensor.name for tensor in graph.initializer}]
    del graph.node[:], graph.input[:], graph.output[:], graph.value_info[:], model.metadata_props[:]
    graph.node.extend([*before, *body, *after])
    graph.input.extend([*inputs, *kept])
    graph.output.extend(outputs)
    helper.set_model_props(model, dict(metadata))
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def _chain(
    steps: list[tuple[str, str, np.ndarray | None]],
    source: str,
    target: str,
) -> tuple[list[NodeProto], list[TensorProto]]:
    """Return nodes that apply one constant after the other, and the constants; steps without one are left out."""
    nodes, constants = [], []
    for operator, name, values in steps:
        if values is None:
            continue
        kind = np.int64 if operator == "Gather" else np.float32
        constants.append(numpy_helper.from_array(values.astype(kind), f"sim2real.{name}"))
        node = helper.make_node(operator, [source, f"sim2real.{name}"], [f"sim2real.{name}.applied"])
        if operator == "Gather":
            node.attribute.append(helper.make_attribute("axis", 1))
        nodes.append(node)
        source = node.output[0]
    nodes[-1].output[0] = target
    return nodes, constants


def _tensor(name: str, shape: tuple[int, ...]) -> ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)


def _shape(value: ValueInfoProto) -> tuple[int, ...]:
    """Return a tensor's shape; what is free is one."""
    return tuple(int(axis.dim_value) if axis.HasField("dim_value") else 1 for axis in value.type.tensor_type.shape.dim)


def _words(values: list[ValueInfoProto]) -> str:
    return ", ".join(f"{value.name!r} {list(_shape(value))}" for value in values) or "nothing"
