"""Laws of loading and running a policy: true to its graph, and one clear line for whatever is wrong with a file."""

import contextlib

import numpy as np
import onnx
import pytest

from sim2real.configs.errors import UserError
from sim2real.configs.library import shipped_policies
from sim2real.configs.load import load_robot
from sim2real.configs.policy_reference import find_policy
from sim2real.runtime.contract.manifest import CONTRACT_KEY, to_metadata
from sim2real.runtime.contract.model_file import MODEL_DIGEST_KEY, metadata_of, model_digest, with_digest
from sim2real.runtime.policy import OnnxPolicy, check_robot, load_policy


def test_a_policy_computes_its_graph_in_its_own_buffer(model_of, contract):
    policy = OnnxPolicy(model_of(gain=0.5, bias=0.1))
    assert policy.contract == contract
    assert policy.provenance == {"task": "pendulum_swingup"}
    assert len(policy.digest) == 64
    first = policy.act(np.ones((1, contract.observation_size), np.float32))
    assert first.dtype == np.float32
    assert first.shape == (1, 1)
    assert first[0, 0] == pytest.approx(np.tanh(0.6), abs=1e-6)
    second = policy.act(np.zeros((1, contract.observation_size), np.float32))
    assert second is first
    assert second[0, 0] == pytest.approx(np.tanh(0.1), abs=1e-6)


def test_the_observation_is_copied_not_kept(model_of, contract):
    policy = OnnxPolicy(model_of(gain=1.0))
    observation = np.ones((1, contract.observation_size), np.float32)
    action = policy.act(observation).copy()
    observation[:] = 9.0
    assert policy.act(np.ones((1, contract.observation_size), np.float32)) == action


def refused(path, match=None):
    with pytest.raises(UserError, match=match) as caught:
        OnnxPolicy(path)
    message = str(caught.value)
    assert message.startswith(str(path))
    assert "\n" not in message


def test_a_missing_file_is_one_line(tmp_path):
    refused(tmp_path / "no.onnx", "No such file")
    refused(tmp_path, "cannot be read")


@pytest.mark.parametrize("damage", [b"", b"not an onnx file", b"\x00" * 1000])
def test_a_file_that_is_no_model_is_one_line(tmp_path, damage):
    path = tmp_path / "damaged.onnx"
    path.write_bytes(damage)
    refused(path, "not a valid ONNX model|carries no contract")


def test_no_truncated_model_is_taken(model_of, tmp_path):
    whole = model_of().read_bytes()
    path = tmp_path / "cut.onnx"
    for size in range(0, len(whole) - 1, 97):
        path.write_bytes(whole[:size])
        refused(path)


def what_is_wrong_with(path):
    try:
        OnnxPolicy(path)
    except UserError as error:
        return str(error)
    return ""


def test_changed_bits_are_refused_or_harmless(model_of, tmp_path):
    """A flipped bit may sit in a weight, which no digest inside the file covers; it must never be a traceback."""
    whole = bytearray(model_of().read_bytes())
    path = tmp_path / "flipped.onnx"
    for at in range(0, len(whole), 61):
        whole[at] ^= 0x10
        path.write_bytes(whole)
        whole[at] ^= 0x10
        error = what_is_wrong_with(path)
        assert "\n" not in error


def changed(path, change):
    model = onnx.load(path)
    change(model)
    path.write_bytes(model.SerializeToString())
    return path


def test_a_model_without_a_contract_is_refused(model_of):
    refused(changed(model_of(), lambda model: model.ClearField("metadata_props")), "carries no contract")


def test_a_contract_changed_by_hand_is_refused(model_of):
    def more_effort(model):
        for entry in model.metadata_props:
            if entry.key == CONTRACT_KEY:
                entry.value = entry.value.replace('"effort_max":0.6', '"effort_max":4.0')

    refused(changed(model_of(), more_effort), "digest")


def test_shapes_other_than_the_contract_s_are_refused(model_of):
    def rename(model):
        model.graph.input[0].name = "state"
        model.graph.node[0].input[0] = "state"

    refused(changed(model_of(), rename), r"one input 'observation' \[1, 5\]")

    def rename_output(model):
        model.graph.output[0].name = "torque"
        model.graph.node[1].output[0] = "torque"

    refused(changed(model_of(), rename_output), r"one output 'action' \[1, 1\]")


def test_a_width_other_than_the_contract_s_is_refused(model_of, contract):
    wider = contract.observation[0].model_copy(update={"history": 3})
    path = model_of(contract=contract.model_copy(update={"observation": (wider, *contract.observation[1:])}))

    def keep_five_inputs(model):
        source = onnx.load(model_of("five.onnx"))
        model.graph.CopyFrom(source.graph)

    refused(changed(path, keep_five_inputs), r"one input 'observation' \[1, 7\].*found: 'observation' \[1, 5\]")


def recurrent_model(path, contract):
    """Write a policy with action = state, next state = state + 0.1: it counts its ticks."""
    helper, numpy_helper, float32 = onnx.helper, onnx.numpy_helper, onnx.TensorProto.FLOAT
    graph = helper.make_graph(
        [
            helper.make_node("Identity", ["state_0"], ["action"]),
            helper.make_node("Add", ["state_0", "tenth"], ["next_state_0"]),
        ],
        "recurrent",
        [
            helper.make_tensor_value_info("observation", float32, ["batch", contract.observation_size]),
            helper.make_tensor_value_info("state_0", float32, ["batch", 1]),
        ],
        [
            helper.make_tensor_value_info("action", float32, ["batch", 1]),
            helper.make_tensor_value_info("next_state_0", float32, ["batch", 1]),
        ],
        [numpy_helper.from_array(np.array([[0.1]], np.float32), "tenth")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    helper.set_model_props(model, to_metadata(contract, {"task": contract.task}))
    path.write_bytes(model.SerializeToString())
    return path


def test_a_recurrent_policy_carries_its_state_and_forgets_it_at_a_reset(contract, tmp_path):
    contract = contract.model_copy(update={"recurrent_state": ((1, 1),)})
    policy = OnnxPolicy(recurrent_model(tmp_path / "recurrent.onnx", contract))
    observation = np.zeros((1, contract.observation_size), np.float32)
    assert [float(policy.act(observation)[0, 0]) for _ in range(3)] == pytest.approx([0.0, 0.1, 0.2])
    policy.reset()
    assert float(policy.act(observation)[0, 0]) == 0.0


def test_a_recurrent_state_that_the_model_lacks_is_refused(model_of, contract):
    recurrent = contract.model_copy(update={"recurrent_state": ((1, 8),)})
    refused(model_of(contract=recurrent), r"2 inputs 'observation' \[1, 5\] and 'state_0' \[1, 8\]")


def test_a_weight_that_changed_after_export_is_refused(model_of):
    model = model_of()
    model.write_bytes(with_digest(model.read_bytes()))
    assert OnnxPolicy(model).size == model.stat().st_size

    def one_bit(loaded):
        weights = bytearray(loaded.graph.initializer[0].raw_data)
        weights[0] ^= 1
        loaded.graph.initializer[0].raw_data = bytes(weights)

    refused(changed(model, one_bit), "its digest does not match")


def test_no_bit_of_an_exported_model_can_change_unnoticed(model_of):
    """Only the entry that holds the digest is not covered by it: changed, it does not match, or is taken for absent."""
    whole = bytearray(with_digest(model_of().read_bytes()))
    digest, start = model_digest(bytes(whole)), bytes(whole).index(MODEL_DIGEST_KEY.encode())
    for at in range(0, start - 4, 7):
        for bit in range(8):
            whole[at] ^= 1 << bit
            with contextlib.suppress(ValueError):
                assert model_digest(bytes(whole)) != digest
            whole[at] ^= 1 << bit


def test_the_metadata_is_what_onnx_reads(model_of):
    model = model_of()
    assert metadata_of(model.read_bytes()) == {prop.key: prop.value for prop in onnx.load(model).metadata_props}
    assert onnx.load_from_string(with_digest(model.read_bytes())).metadata_props[-1].key == MODEL_DIGEST_KEY


@pytest.mark.parametrize("damage", [b"\x0a", b"\x0a\x7f", b"\x80" * 11, b"\x0b", b"\x09\x00"])
def test_bytes_that_are_no_fields_are_said_to_be_so(damage):
    with pytest.raises(ValueError, match=r"field|number"):
        model_digest(damage)


def test_a_robot_that_differs_is_refused_field_by_field(contract):
    check_robot(contract, load_robot("pendulum"))
    with pytest.raises(UserError) as caught:
        check_robot(contract, load_robot("pendulum", ("joints.pivot.velocity_limit=8 rad/s",)))
    assert str(caught.value) == (
        "the policy was made for another robot: 1 field differs from 'pendulum': "
        f"joints.pivot.velocity_max: model {contract.robot.joints[0].velocity_max}, robot 8.0"
    )
    with pytest.raises(UserError, match=r"; and 1 more$"):
        check_robot(
            contract,
            load_robot(
                "pendulum",
                (
                    "joints.pivot.velocity_limit=8 rad/s",
                    "joints.pivot.stiffness=2 N*m/rad",
                    "joints.pivot.damping=0.2 N*m*s/rad",
                    "joints.pivot.effort_limit=0.5 N*m",
                    "joints.pivot.position_limits=[-500 deg, 500 deg]",
                ),
            ),
        )


def test_envelopes_may_differ(contract):
    """The policy sees nothing of them; the tighter of both holds."""
    check_robot(contract, load_robot("pendulum", ("safety.temperature_max=65 degC", "safety.missed_ticks_max=10")))


@pytest.mark.parametrize("name", shipped_policies())
def test_a_shipped_policy_that_is_damaged_is_refused(name, tmp_path):
    # They were older than the digest: one with a flipped bit in a weight ran.
    whole = find_policy(name).read_bytes()
    for share in (0.25, 0.5, 0.75):
        damaged = bytearray(whole)
        damaged[round(share * len(whole))] ^= 0x10
        (tmp_path / "policy.onnx").write_bytes(damaged)
        with pytest.raises(UserError, match=r"damaged|not a valid ONNX model|contract"):
            load_policy(tmp_path / "policy.onnx")
