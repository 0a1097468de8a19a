"""Laws of policies in C: for every term and action C computes what onnxruntime and the pipelines compute."""

import numpy as np
import pytest
from c_policies import ARM, QUADRUPED, shipped_terms, with_terms, write_graph
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import helper

from sim2real.configs.errors import UserError
from sim2real.configs.load import load_task
from sim2real.configs.policy_reference import find_policy
from sim2real.runtime.contract.spec import contract_of
from sim2real.runtime.policy import OnnxPolicy
from sim2real.training.c_source.export import AGREEMENT_MAX, source_of
from sim2real.training.c_source.literals import double, prefix_of, single
from sim2real.training.c_source.trial import FLAGS, compare, compiler, prepare, run_source
from sim2real.training.evaluation import evaluate
from sim2real.training.saved_policy import load_saved_policy

SHIPPED = ("hopper_hop", "pendulum_swingup", "quadruped_walk", "so101_reach")
needs_compiler = pytest.mark.skipif(compiler() is None, reason="there is no C compiler")
STRICT = ("-Wconversion", "-Wshadow", "-Wdouble-promotion")


def agreement(policy, observations=None, ticks=50):
    trial = prepare(policy, ticks, observations=observations)
    source = source_of(policy, "policy")
    command = (compiler(), *FLAGS, *STRICT)
    return compare(run_source(source, trial, policy.contract, command), trial)


def linear(path, contract):
    """A policy whose every action is a weighted sum of the whole observation."""
    size = contract.observation_size
    matrix = np.random.default_rng(1).normal(0.0, 1.0 / size**0.5, (size, contract.action_size)).astype(np.float32)
    return OnnxPolicy(
        write_graph(path, contract, [helper.make_node("MatMul", ["observation", "W"], ["action"])], {"W": matrix})
    )


@needs_compiler
@pytest.mark.slow
@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_policies_in_c_agree_with_onnxruntime_on_recorded_observations(name):
    saved, recorded = load_saved_policy(find_policy(name)), []

    def act(observation):
        recorded.append(observation.copy())
        return saved.act(observation)

    episodes = 10 if name == "quadruped_walk" else 2
    evaluate(act, saved.experiment.task, saved.experiment.randomization, episodes, seed=3)
    observations = np.concatenate(recorded)[:10_000]
    assert len(observations) == 10_000 or name != "quadruped_walk"
    found = agreement(OnnxPolicy(find_policy(name)), observations)
    assert found.observation == 0.0
    assert found.action <= AGREEMENT_MAX
    assert found.target <= AGREEMENT_MAX


@needs_compiler
@pytest.mark.parametrize("contract", [ARM, QUADRUPED], ids=["arm", "quadruped"])
def test_every_shipped_term_in_c_has_the_pipelines_bits(contract, tmp_path):
    """With scale, clip and history; sines of the C library may differ from numpy's in the last place."""
    terms = [(name, 0.7, 0.9, 3) for name in shipped_terms(contract)]
    found = agreement(linear(tmp_path / "policy.onnx", with_terms(contract, *terms)))
    assert found.observation <= 1e-7
    assert max(found.action, found.target) <= AGREEMENT_MAX


@needs_compiler
@pytest.mark.parametrize(
    "action",
    [
        {"smoothing": 0.6, "step": ()},
        {"relative": True},
        {"relative": True, "step": (), "smoothing": 0.25, "clip": 0.5},
        {"clip": 3.0, "scale": tuple(0.1 * number for number in range(1, 13))},
    ],
    ids=["filtered", "relative", "relative and filtered", "scales"],
)
def test_every_kind_of_position_action_in_c_gives_the_pipelines_targets(action, tmp_path):
    contract = with_terms(QUADRUPED, ("last_action", 1.0, None, 2), ("joint_position_error", 2.0, None, 1))
    spec = contract.action.model_copy(update=action)
    found = agreement(linear(tmp_path / "policy.onnx", contract.model_copy(update={"action": spec})))
    assert found.observation == 0.0
    assert max(found.action, found.target) <= AGREEMENT_MAX


@needs_compiler
def test_efforts_in_c_are_the_pipelines_efforts(tmp_path):
    contract = contract_of(load_task("pendulum_swingup"))
    assert contract.action.target == "effort"
    found = agreement(linear(tmp_path / "policy.onnx", contract))
    assert max(found.observation, found.action, found.target) <= AGREEMENT_MAX


@needs_compiler
def test_an_observation_that_is_not_finite_gives_no_targets(tmp_path):
    policy = linear(tmp_path / "policy.onnx", ARM)
    trial = prepare(policy, 3)
    trial.signals[1].joint_velocity[0, 2] = np.nan
    with pytest.raises(UserError, match="the compiled policy fails: exit status 5"):
        run_source(source_of(policy, "policy"), trial, ARM)


def test_a_term_from_outside_is_refused_by_name(tmp_path):
    from sim2real.runtime.contract.provider import ProviderSpec

    policy = linear(tmp_path / "policy.onnx", ARM)
    own = ARM.observation[0].model_copy(update={"provider": ProviderSpec(package="gripper", version="1.0")})
    policy.contract = ARM.model_copy(update={"observation": (own, *ARM.observation[1:])})
    with pytest.raises(
        UserError, match=r"policy\.onnx: no C is known of the observation term 'tip_error'; valid: joint"
    ):
        source_of(policy, "policy")


def test_names_of_a_policy_cannot_leave_their_comment(tmp_path):
    contract = ARM.model_copy(update={"task": '*/ #error "??/ \\'})
    text = source_of(linear(tmp_path / "policy.onnx", contract), "policy").text
    assert "#error" not in text.split("#ifndef")[0]
    assert text.splitlines()[1].endswith("__ _error ____ _ on the robot so101")


@pytest.mark.parametrize("name", ["9walk", "", "int", "a" * 32, "_walk"])
def test_a_file_without_a_name_for_c_is_refused(name):
    with pytest.raises(UserError, match="gives no prefix of C names; valid: a file whose name begins with a letter"):
        prefix_of(name)


def test_marks_in_a_files_name_become_underscores():
    assert prefix_of("quadruped-walk v2") == "quadruped_walk_v2"


@settings(max_examples=300)
@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_floats_are_written_so_that_reading_gives_the_same_bits(value):
    text = single(np.float32(value))
    assert text.endswith("f")
    assert {".", "e"} & set(text)
    assert np.float32(float(text[:-1])).tobytes() == np.float32(value).tobytes()


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_doubles_are_written_so_that_reading_gives_the_same_bits(value):
    assert float(double(value)).hex() == value.hex()
