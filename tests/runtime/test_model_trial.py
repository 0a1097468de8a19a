"""Laws of a model's trial: whatever the graph does, loading it ends within its time, in one line, in this process."""

import numpy as np
import onnx
import pytest

from sim2real.configs.errors import UserError
from sim2real.runtime import model_trial
from sim2real.runtime.contract.manifest import to_metadata
from sim2real.runtime.model_trial import try_model
from sim2real.runtime.policy import OnnxPolicy

HELPER, FLOAT = onnx.helper, onnx.TensorProto.FLOAT
CPU_S = 2


def model_bytes(nodes, constants, contract) -> bytes:
    """A model of these nodes, from `observation` to `action`."""
    graph = HELPER.make_graph(
        nodes,
        "trial",
        [HELPER.make_tensor_value_info("observation", FLOAT, [1, contract.observation_size])],
        [HELPER.make_tensor_value_info("action", FLOAT, [1, contract.action_size])],
        [onnx.numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = HELPER.make_model(graph, opset_imports=[HELPER.make_opsetid("", 17)], ir_version=8)
    HELPER.set_model_props(model, to_metadata(contract, {"task": contract.task}))
    return model.SerializeToString()


def endless(contract, beyond: float | None = None) -> bytes:
    """A loop of which the condition stays true: always, or for observations with a sum beyond a value."""
    body = HELPER.make_graph(
        [
            HELPER.make_node("Identity", ["again"], ["again_out"]),
            HELPER.make_node("Add", ["value", "value"], ["value_out"]),
        ],
        "body",
        [
            HELPER.make_tensor_value_info("number", onnx.TensorProto.INT64, []),
            HELPER.make_tensor_value_info("again", onnx.TensorProto.BOOL, []),
            HELPER.make_tensor_value_info("value", FLOAT, [1, 1]),
        ],
        [
            HELPER.make_tensor_value_info("again_out", onnx.TensorProto.BOOL, []),
            HELPER.make_tensor_value_info("value_out", FLOAT, [1, 1]),
        ],
    )
    nodes = [
        HELPER.make_node("ReduceSum", ["observation"], ["sum"], keepdims=1),
        HELPER.make_node("Greater", ["sum", "beyond"], ["is_beyond"]),
        HELPER.make_node("Reshape", ["is_beyond", "scalar"], ["go_on"]),
        HELPER.make_node("Loop", ["", "go_on", "sum"], ["action"], body=body),
    ]
    bound = np.array([[-np.inf if beyond is None else beyond]], np.float32)
    return model_bytes(nodes, {"beyond": bound, "scalar": np.zeros(0, np.int64)}, contract)


def refused(tmp_path, model: bytes, **options) -> str:
    with pytest.raises(UserError) as caught:
        try_model(tmp_path / "policy.onnx", model, **options)
    message = str(caught.value)
    assert message.startswith(str(tmp_path / "policy.onnx"))
    assert "\n" not in message
    return message


def test_a_loop_without_an_end_is_ended(contract, tmp_path):
    message = refused(tmp_path, endless(contract), cpu_s=CPU_S)
    assert f"more than {CPU_S} s of processor time" in message


def test_a_loop_without_an_end_for_some_observations_is_ended_where_it_is_limited(contract, tmp_path):
    path = tmp_path / "policy.onnx"
    path.write_bytes(endless(contract, beyond=1000.0))
    policy = OnnxPolicy(path)
    with policy.limited(0.2), pytest.raises(Exception, match="terminate"):
        policy.act(np.full((1, contract.observation_size), 1000.0, np.float32))
    policy.act(np.zeros((1, contract.observation_size), np.float32))


def test_a_graph_that_wants_more_memory_than_there_is_is_refused(contract, tmp_path):
    nodes = [
        HELPER.make_node("ConstantOfShape", ["huge"], ["zeros"]),
        HELPER.make_node("ReduceSum", ["zeros"], ["sum"], keepdims=0),
        HELPER.make_node("Mul", ["observation", "sum"], ["scaled"]),
        HELPER.make_node("MatMul", ["scaled", "weights"], ["action"]),
    ]
    constants = {
        "huge": np.array([1 << 40]),
        "weights": np.zeros((contract.observation_size, contract.action_size), np.float32),
    }
    path = tmp_path / "policy.onnx"
    path.write_bytes(model_bytes(nodes, constants, contract))
    with pytest.raises(UserError, match=r"the model does not run|not a valid ONNX model"):
        OnnxPolicy(path)


def test_a_file_that_is_no_model_is_refused_with_the_library_s_reason(tmp_path):
    assert "not a valid ONNX model: " in refused(tmp_path, b"not an onnx file")


def test_a_child_that_is_killed_or_says_nothing_is_one_line(tmp_path, monkeypatch):
    child = tmp_path / "child.py"
    monkeypatch.setattr(model_trial, "CHILD", child)
    child.write_text("import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)\n")
    assert "ends the process that runs it (SIGSEGV)" in refused(tmp_path, b"1")
    child.write_text("raise SystemExit('no such library')\n")
    assert "cannot be tried: no such library" in refused(tmp_path, b"2")
    child.write_text("")
    assert "cannot be tried: no reason given" in refused(tmp_path, b"3")
    child.write_text("print(1)\n")
    assert "cannot be tried" in refused(tmp_path, b"4")


def test_a_model_that_passed_is_not_tried_again(model_of, tmp_path, monkeypatch):
    model = model_of().read_bytes()
    try_model(tmp_path / "policy.onnx", model)
    monkeypatch.setattr(model_trial, "CHILD", tmp_path / "no_such.py")
    try_model(tmp_path / "policy.onnx", model)
