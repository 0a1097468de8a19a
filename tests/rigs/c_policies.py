"""Policies of any graph and any contract as ONNX files, for the tests of C source."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
from onnx import NodeProto, TensorProto, helper, numpy_helper

from sim2real.configs.load import load_task
from sim2real.configs.schema.observation import OBSERVATION_TERMS
from sim2real.runtime.contract.manifest import to_metadata
from sim2real.runtime.contract.observation_term import width_of
from sim2real.runtime.contract.spec import Contract, ObservationTermSpec, contract_of

ARM = contract_of(load_task("so101_reach"))
QUADRUPED = contract_of(load_task("quadruped_walk"))


def with_terms(contract: Contract, *terms: tuple[str, float, float | None, int]) -> Contract:
    """Return a contract with other terms: name, scale, clip, history."""
    specs = tuple(
        ObservationTermSpec(term=term, width=width_of(term, contract.sizes), scale=scale, clip=clip, history=history)
        for term, scale, clip, history in terms
    )
    return contract.model_copy(update={"observation": specs, "phase_frequency": 1.7})


def shipped_terms(contract: Contract) -> list[str]:
    """Return the names of all shipped terms that a contract can observe."""
    widths = {name: width_of(name, contract.sizes) for name in OBSERVATION_TERMS.names}
    return [name for name in widths if widths[name] and not (contract.robot.tip is None and "tip" in name)]


def write_graph(
    path: Path,
    contract: Contract,
    nodes: Sequence[NodeProto],
    constants: dict[str, np.ndarray],
    opset: int = 17,
) -> Path:
    """Write a policy of these nodes, from `observation` and `state_…` to `action` and `next_state_…`."""
    float_, states = TensorProto.FLOAT, list(enumerate(contract.recurrent_state))
    inputs = [("observation", (1, contract.observation_size)), *((f"state_{n}", shape) for n, shape in states)]
    outputs = [("action", (1, contract.action_size)), *((f"next_state_{n}", shape) for n, shape in states)]
    graph = helper.make_graph(
        list(nodes),
        "policy",
        [helper.make_tensor_value_info(name, float_, shape) for name, shape in inputs],
        [helper.make_tensor_value_info(name, float_, shape) for name, shape in outputs],
        [numpy_helper.from_array(values, name) for name, values in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    helper.set_model_props(model, to_metadata(contract, {"seed": "0"}))
    onnx.save(model, str(path))
    return path
