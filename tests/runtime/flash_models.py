"""Tiny policies as ONNX files, for the tests of flashing."""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from configs.load import load_task
from configs.schema.robot import RobotConfig
from runtime.contract.manifest import to_metadata
from runtime.contract.spec import Contract, contract_of

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


def other_robot() -> Contract:
    """A contract that differs from the pendulum's in two fields of its joint."""
    joint = CONTRACT.robot.joints[0].model_copy(update={"effort_max": 0.75, "damping": 0.5})
    return CONTRACT.model_copy(update={"robot": CONTRACT.robot.model_copy(update={"joints": (joint,)})})
