"""Laws of import: a policy of another project acts here as there, or what differs is named."""

import json

import numpy as np
import onnx
import pytest
from foreign_policies import (
    NAMES,
    OURS,
    SCALES,
    THEIRS,
    deploy_yaml,
    golden,
    mjlab_metadata,
    of_joints,
    write_foreign,
    write_stated,
)
from typer.testing import CliRunner

from sim2real.configs.errors import UserError
from sim2real.configs.load import load_robot
from sim2real.runtime.contract.model_file import metadata_of
from sim2real.runtime.policy import OnnxPolicy, check_robot
from sim2real.training.commands import import_policy as command
from sim2real.training.foreign.contract import foreign_contract
from sim2real.training.foreign.golden import check_golden, read_golden
from sim2real.training.foreign.importing import import_policy
from sim2real.training.foreign.sources import stated_in, stated_in_metadata
from sim2real.training.foreign.stated import joined


@pytest.fixture
def model(tmp_path):
    return write_foreign(tmp_path / "walk.onnx")


@pytest.fixture
def bundle(tmp_path):
    return tmp_path / "bundle.onnx"


def contract_and_layout(model, sources):
    """What an import makes of its sources, without a bundle: loading one takes a second."""
    written = stated_in_metadata(metadata_of(model.read_bytes()), str(model))
    return foreign_contract(joined([*map(stated_in, sources), *([written] if written else [])]), ())


def golden_difference(model, sources, path):
    """Hold golden vectors against a contract, with the actions of the network itself."""
    vectors = read_golden(path)
    return check_golden(vectors, *contract_and_layout(model, sources), vectors.action)


def save(path, vectors):
    path.write_text(json.dumps({name: values.tolist() for name, values in vectors.items()}))
    return path


def test_an_imported_policy_has_our_contract_and_acts_as_at_home(model, bundle, tmp_path):
    vectors = golden(model)
    yaml, recorded = write_stated(tmp_path / "walk.yaml"), save(tmp_path / "golden.json", vectors)
    report = import_policy(model, [yaml], bundle, recorded)
    assert report.golden_ticks == 6
    assert report.golden_difference <= 1e-6
    policy = OnnxPolicy(bundle)
    check_robot(policy.contract, load_robot("quadruped"))
    assert policy.contract.control_rate == 50.0
    assert policy.contract.joint_names == tuple(OURS)
    assert [(term.term, term.scale) for term in policy.contract.observation] == [
        ("gyro", 0.25),
        ("projected_gravity", 1.0),
        ("command", 2.0),
        ("joint_position", 1.0),
        ("joint_velocity", 0.05),
        ("last_action", 1.0),
    ]
    ours = np.array([THEIRS.index(next(name for name in NAMES if NAMES[name] == joint)) for joint in OURS])
    seen = vectors["observation"][2]
    blocks = [seen[:9], *(seen[9 + 12 * number : 21 + 12 * number][ours] for number in range(3))]
    action = policy.act(np.concatenate(blocks)[None].astype(np.float32))[0]
    np.testing.assert_allclose(action, vectors["action"][2][ours], atol=1e-6)


def test_spellings_of_one_contract_are_one(model, tmp_path):
    """Our YAML with one number for all or one for each, a deploy.yaml, the metadata of mjlab: the same digest."""
    each = [
        {"term": name, "scale": [scale] * (3 if "joint" not in name and "last" not in name else 12)}
        for name, scale in SCALES.items()
    ]
    ours = [
        {"term": ours, "scale": scale}
        for ours, scale in zip(
            ("gyro", "projected_gravity", "command", "joint_position", "joint_velocity", "last_action"),
            SCALES.values(),
            strict=True,
        )
    ]
    nothing = dict.fromkeys(("rate", "default_pose", "stiffness", "damping", "action", "observation", "commands"))
    deploy = tmp_path / "deploy.yaml"
    deploy.write_text(json.dumps(deploy_yaml()))
    written = write_foreign(tmp_path / "mjlab.onnx", mjlab_metadata())
    known = dict.fromkeys(("joints", "default_pose", "stiffness", "damping", "action"))
    ways = {
        "plain": (model, [write_stated(tmp_path / "1.yaml")]),
        "one for each": (model, [write_stated(tmp_path / "2.yaml", observation=each, action={"scale": [0.25] * 12})]),
        "our names": (model, [write_stated(tmp_path / "3.yaml", observation=ours)]),
        "deploy.yaml": (model, [deploy, write_stated(tmp_path / "4.yaml", **nothing)]),
        "mjlab": (written, [write_stated(tmp_path / "5.yaml", **known)]),
    }
    digests = {way: contract_and_layout(file, sources)[0].digest() for way, (file, sources) in ways.items()}
    assert len(set(digests.values())) == 1, digests


@pytest.mark.parametrize("order", ["term", "time"])
def test_histories_of_other_projects_are_read_in_their_order(order, tmp_path):
    """As Isaac Lab stacks them, term by term, or tick by tick; the oldest first."""
    model = write_foreign(tmp_path / "walk.onnx", observations=45 * 3)
    observation = [{"term": name, "scale": scale, "history": 3} for name, scale in SCALES.items()]
    vectors = golden(model, history=3, by_time=order == "time")
    yaml = write_stated(tmp_path / "walk.yaml", observation=observation, history_order=order)
    assert golden_difference(model, [yaml], save(tmp_path / "golden.json", vectors)) <= 1e-6


def test_absolute_joint_positions_are_made_of_relative_ones(model, tmp_path):
    vectors = golden(model)
    vectors["observation"][:, 9:21] = 0.5 * vectors["joint_position"]
    observation = [
        {"term": "joint_pos_absolute", "scale": 0.5} if name == "joint_pos_rel" else {"term": name, "scale": scale}
        for name, scale in SCALES.items()
    ]
    yaml = write_stated(tmp_path / "walk.yaml", observation=observation)
    assert golden_difference(model, [yaml], save(tmp_path / "golden.json", vectors)) <= 1e-6


def test_joints_that_turn_the_other_way_are_turned(model, bundle, tmp_path):
    """The same policy, recorded in a world where some joints have the opposite sign."""
    vectors = golden(model)
    flipped = [name for name in THEIRS if name.startswith("FR")]
    at = [THEIRS.index(name) for name in flipped]
    pose = np.array(of_joints("default_position"))
    pose[at] *= -1.0
    yaml = write_stated(tmp_path / "walk.yaml", reversed=flipped, default_pose=pose.tolist())
    difference = np.array(vectors["joint_position"]) - of_joints("default_position")
    vectors["joint_position"] = pose + difference
    import_policy(model, [yaml], bundle, save(tmp_path / "golden.json", vectors))
    scale = dict(zip(OURS, OnnxPolicy(bundle).contract.action.scale, strict=True))
    assert {name for name, value in scale.items() if value == -0.25} == {NAMES[name] for name in flipped}


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"observation": [{"term": n, "scale": 4 * s if n == "base_ang_vel" else s} for n, s in SCALES.items()]},
         r"observation 0 \(base_ang_vel\[0\]\) of tick 0 is .*: 0.25 times as much, so the scale is another one"),
        ({"joints": [THEIRS[1], THEIRS[0], *THEIRS[2:]]},
         r"observation 9 \(joint_pos_rel of FR_hip_joint\).*is the value of joint_pos_rel of FL_hip_joint, so"),
        ({"reversed": ["FL_calf_joint"], "default_pose": [
            -v if n == "FL_calf_joint" else v for n, v in zip(THEIRS, of_joints("default_position"), strict=True)]},
         r"observation 17 \(joint_pos_rel of FL_calf_joint\)"),
    ],
    ids=["scale", "order", "sign"],
)  # fmt: skip
def test_golden_vectors_name_the_scale_or_index_that_differs(changes, named, model, tmp_path):
    vectors = golden(model) | {"joint_names": np.array(THEIRS)}
    yaml, recorded = write_stated(tmp_path / "walk.yaml", **changes), save(tmp_path / "golden.json", vectors)
    with pytest.raises(UserError, match=named):
        golden_difference(model, [yaml], recorded)


def test_golden_actions_of_another_network_are_named(model, bundle, tmp_path):
    vectors = golden(model)
    vectors["action"][3, 5] += 1e-3
    only = {name: vectors[name] for name in ("observation", "action")}
    with pytest.raises(UserError, match=r"action 5 \(front_right_pitch\) of tick 3 is"):
        import_policy(model, [write_stated(tmp_path / "a.yaml")], bundle, save(tmp_path / "golden.json", only))
    assert not bundle.exists()


@pytest.mark.parametrize(
    "missing",
    ["task", "robot", "rate", "joints", "default_pose", "stiffness", "damping", "action", "observation", "commands"],
)
def test_what_is_missing_is_refused_by_name(missing, model, bundle, tmp_path):
    yaml = write_stated(tmp_path / "walk.yaml", **{missing: None})
    with pytest.raises(UserError, match=f"walk.yaml: not stated: {missing}"):
        import_policy(model, [yaml], bundle)


def test_metadata_alone_lacks_what_mjlab_does_not_write(bundle, tmp_path):
    model = write_foreign(tmp_path / "walk.onnx", mjlab_metadata())
    with pytest.raises(UserError, match="not stated: task; robot; rate; observation: scale of base_ang_vel"):
        import_policy(model, [], bundle)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"stiffness": 20.0}, r"not as in training: front_left_roll.stiffness: policy 20, robot"),
        ({"default_pose": [0.1, *of_joints("default_position")[1:]]}, "front_left_roll.default_position: policy 0.1"),
        ({"damping": [1.0, 2.0]}, "damping has 2 values; valid: 1 or 12"),
        ({"joints": THEIRS[:-1]}, "differ: not of the policy: rear_right_knee"),
        ({"names": {"FL_hip_joint": "wing"}}, "differ: not of the robot: wing"),
        ({"reversed": ["FL_hip"]}, "no joint 'FL_hip' of the policy; valid: FL_hip_joint"),
        ({"observation": [{"term": "base_lin_vel"}]}, "'base_lin_vel', which no sensor of a robot measures"),
        ({"observation": [{"term": "joint_pos"}]}, "say joint_pos_rel or joint_pos_absolute"),
        ({"observation": [{"term": "height_scan"}]}, "observation 'height_scan' is not known; valid: base_ang_vel"),
        ({"observation": [{"term": "joint_pos_rel"}]}, "takes 45 values and gives 12; what is stated has 12"),
        ({"rate": "fifty"}, "walk.yaml:1: rate"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_by_name(changes, named, model, bundle, tmp_path):
    with pytest.raises(UserError, match=named):
        import_policy(model, [write_stated(tmp_path / "walk.yaml", **changes)], bundle)
    assert not bundle.exists()


def test_sources_that_contradict_each_other_are_named(bundle, tmp_path):
    model = write_foreign(tmp_path / "walk.onnx", mjlab_metadata())
    yaml = write_stated(tmp_path / "walk.yaml", action={"scale": [0.25, 0.5, *[0.25] * 10]})
    with pytest.raises(
        UserError, match=r"action_scale, entry 1: .*walk.yaml says 0.5, metadata of .*walk.onnx says 0.25"
    ):
        import_policy(model, [yaml], bundle)


def test_other_tensors_and_damaged_files_are_refused(model, bundle, tmp_path):
    yaml = write_stated(tmp_path / "walk.yaml")
    (tmp_path / "cut.onnx").write_bytes(model.read_bytes()[:900])
    with pytest.raises(UserError, match=r"cut\.onnx: not a valid ONNX model"):
        import_policy(tmp_path / "cut.onnx", [yaml], bundle)
    motion = onnx.load(model)
    step = onnx.helper.make_tensor_value_info("time_step", onnx.TensorProto.FLOAT, [1, 1])
    motion.graph.input.append(step)
    onnx.save(motion, str(tmp_path / "motion.onnx"))
    with pytest.raises(
        UserError, match=r"goes from 'obs' \[1, 45\], 'time_step' \[1, 1\] to 'actions' \[1, 12\]; valid"
    ):
        import_policy(tmp_path / "motion.onnx", [yaml], bundle)
    import_policy(model, [yaml], bundle)
    with pytest.raises(UserError, match="has our contract already"):
        import_policy(bundle, [yaml], tmp_path / "again.onnx")


def test_the_command_says_whether_order_and_scales_are_proven(model, bundle, tmp_path):
    yaml, recorded = write_stated(tmp_path / "walk.yaml"), save(tmp_path / "golden.json", golden(model))
    arguments = [str(model), "--from", str(yaml), "-o", str(bundle)]
    told = CliRunner().invoke(command.app, arguments)
    assert told.exit_code == 0, told.output
    assert "task foreign_walk, robot quadruped, 50 Hz, 45 observations, 12 actions" in told.output
    assert "no golden vectors: order and scales are as stated, and not proven" in told.output
    told = CliRunner().invoke(command.app, [*arguments, "--golden", str(recorded), "--json"])
    assert json.loads(told.stdout)["golden_ticks"] == 6
