"""Tiny policies as ONNX files, for the tests of flashing."""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from sim2real.configs.load import load_task
from sim2real.configs.schema.robot import RobotConfig
from sim2real.runtime.contract.manifest import from_metadata, to_metadata
from sim2real.runtime.contract.spec import Contract, contract_of

TASK = load_task("pendulum_swingup")
ROBOT: RobotConfig = TASK.robot
CONTRACT = contract_of(TASK)


def write_policy(
    path: Path,
    seed: int = 0,
    *,
    contract: Contract = CONTRACT,
    weight: float | None = None,
    outputs: int | None = None,
    metadata: dict[str, str] | None = None,
) -> Path:
    """Write the policy `action = observation @ W`; `weight` fills W, otherwise it is drawn from the seed."""
    inputs, actions = contract.observation_size, contract.action_size if outputs is None else outputs
    matrix = np.random.default_rng(seed).uniform(-0.1, 0.1, (inputs, actions)).astype(np.float32)
    if weight is not None:
        matrix[:] = weight
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["observation", "W"], ["action"])],
        "policy",
        [helper.make_tensor_value_info("observation", TensorProto.FLOAT, [1, inputs])],
        [helper.make_tensor_value_info("action", TensorProto.FLOAT, [1, actions])],
        [numpy_helper.from_array(matrix, "W")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)
    entries = to_metadata(contract, {"steps": str(1000 + seed), "seed": str(seed)}) if metadata is None else metadata
    helper.set_model_props(model, entries)
    onnx.save(model, str(path))
    return path


def write_policy_that_looks_up(path: Path) -> Path:
    """Write a policy that looks up the magnitude of the observation in a table.

    The table is long enough for the default pose with any last action, and too short for joints in motion.
    """
    size = CONTRACT.observation_size
    graph = helper.make_graph(
        [
            helper.make_node("ReduceL2", ["observation"], ["magnitude"], keepdims=0),
            helper.make_node("Mul", ["magnitude", "thousand"], ["far"]),
            helper.make_node("Cast", ["far"], ["index"], to=TensorProto.INT64),
            helper.make_node("Gather", ["table", "index"], ["entry"]),
            helper.make_node("Reshape", ["entry", "shape"], ["action"]),
        ],
        "policy",
        [helper.make_tensor_value_info("observation", TensorProto.FLOAT, [1, size])],
        [helper.make_tensor_value_info("action", TensorProto.FLOAT, [1, 1])],
        [
            numpy_helper.from_array(np.array(1e3, np.float32), "thousand"),
            numpy_helper.from_array(np.zeros(1500, np.float32), "table"),
            numpy_helper.from_array(np.array([1, 1], np.int64), "shape"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)
    helper.set_model_props(model, to_metadata(CONTRACT, {}))
    onnx.save(model, str(path))
    return path


def other_robot() -> Contract:
    """A contract that differs from the pendulum's in two fields of its joint."""
    joint = CONTRACT.robot.joints[0].model_copy(update={"effort_max": 0.75, "damping": 0.5})
    return CONTRACT.model_copy(update={"robot": CONTRACT.robot.model_copy(update={"joints": (joint,)})})


def write_policy_with_limit(path: Path, contract: Contract, column: int, sign: float, limit: float) -> Path:
    """Write a policy whose actions are √(limit - sign · observation[column]): no numbers beyond the limit."""
    weights = np.zeros((contract.observation_size, contract.action_size), np.float32)
    weights[column] = -sign
    graph = helper.make_graph(
        [
            helper.make_node("Gemm", ["observation", "W", "b"], ["room"]),
            helper.make_node("Sqrt", ["room"], ["action"]),
        ],
        "policy",
        [helper.make_tensor_value_info("observation", TensorProto.FLOAT, [1, contract.observation_size])],
        [helper.make_tensor_value_info("action", TensorProto.FLOAT, [1, contract.action_size])],
        [
            numpy_helper.from_array(weights, "W"),
            numpy_helper.from_array(np.full(contract.action_size, limit, np.float32), "b"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)
    helper.set_model_props(model, to_metadata(contract, {}))
    onnx.save(model, str(path))
    return path


def write_copy(path: Path, policy: Path, **provenance: str) -> Path:
    """Write the same policy with another provenance, and so other bytes."""
    model = onnx.load(str(policy))
    contract, known = from_metadata({entry.key: entry.value for entry in model.metadata_props})
    helper.set_model_props(model, to_metadata(contract, known | provenance))
    onnx.save(model, str(path))
    return path


def write_policy_that_fails_in_motion(path: Path, contract: Contract) -> Path:
    """Write a policy that passes the dry run, and gives NaN in its second tick: as soon as it sees its own action.

    The action is 0.123; it is no number where the last one was within 0.00001 of that. No input drawn at random is.
    """
    action, near = 0.123, 1e-5
    column, scale = 0, 1.0
    for term in contract.observation:
        if term.term == "last_action":
            scale = term.scale
            break
        column += term.width * term.history
    weights = np.zeros((contract.observation_size, contract.action_size), np.float32)
    weights[column] = 1.0 / scale
    constants = {"W": weights, "c": np.float32(action), "near": np.float32(near * near), "none": np.float32(0.0)}
    graph = helper.make_graph(
        [
            helper.make_node("MatMul", ["observation", "W"], ["last"]),
            helper.make_node("Sub", ["last", "c"], ["apart"]),
            helper.make_node("Mul", ["apart", "apart"], ["square"]),
            helper.make_node("Sub", ["square", "near"], ["room"]),
            helper.make_node("Sqrt", ["room"], ["root"]),
            helper.make_node("Mul", ["root", "none"], ["nothing"]),
            helper.make_node("Add", ["nothing", "c"], ["action"]),
        ],
        "policy",
        [helper.make_tensor_value_info("observation", TensorProto.FLOAT, [1, contract.observation_size])],
        [helper.make_tensor_value_info("action", TensorProto.FLOAT, [1, contract.action_size])],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)
    helper.set_model_props(model, to_metadata(contract, {}))
    onnx.save(model, str(path))
    return path
