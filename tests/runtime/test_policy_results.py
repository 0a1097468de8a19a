"""Laws of results in a policy's file: they travel with it, it stays the same policy, and no signature is broken."""

import json
import shutil
from pathlib import Path
from typing import Any

import onnx
import pytest
from flash_models import ROBOT, write_policy
from typer.testing import CliRunner

from sim2real.commands.root import app
from sim2real.configs.errors import UserError
from sim2real.configs.policy_reference import find_policy
from sim2real.runtime.contract.model_file import MODEL_DIGEST_KEY, metadata_of, with_digest, with_metadata
from sim2real.runtime.flash.directory import DirectoryTarget
from sim2real.runtime.flash.install import flash
from sim2real.runtime.policy import load_policy
from sim2real.runtime.policy_results import (
    EvaluationResults,
    EvaluationRow,
    HilResults,
    HilScenario,
    note,
    result_lines,
)

EVALUATION = EvaluationResults(
    at="2026-11-29T12:00:00+00:00",
    rows=(EvaluationRow(randomization="default", episodes=64, return_mean=14.0, success=None, survival=1.0),),
)
HIL = HilResults(
    at="2026-11-29T12:00:00+00:00",
    plant="mujoco",
    scenarios={name: HilScenario(ok=name != "push", digest="0" * 64) for name in ("lossy", "push")},
)
WORDS = [
    "evaluation on 2026-11-29: default: return 14, survival 100% of 64 episodes",
    "HIL on 2026-11-29, mujoco: 1 of 2 scenarios as expected; failed: push",
]


def command(*arguments: object, ok: bool = True) -> Any:
    result = CliRunner().invoke(app, [*(str(each) for each in arguments), "--json"])
    assert (result.exit_code == 0) == ok, result.output
    return json.loads(result.stdout)


def test_results_are_in_the_file_and_the_policy_is_the_same(tmp_path: Path) -> None:
    path = write_policy(tmp_path / "policy.onnx")
    before = load_policy(path)
    for results in (EVALUATION, HIL, HIL):
        note(path, results)
    after = load_policy(path)  # which compares the digest inside
    assert after.contract == before.contract
    assert result_lines(after.provenance) == WORDS
    assert {key: after.provenance[key] for key in before.provenance} == before.provenance
    flash(path, ROBOT, DirectoryTarget(tmp_path / "desk"))
    shown = CliRunner().invoke(app, ["status", "--to", str(tmp_path / "desk")])
    inspected = CliRunner().invoke(app, ["inspect", str(path)])
    for line in WORDS:
        assert f"results {line}" in shown.stdout
        assert f"results          {line}" in inspected.stdout


def test_metadata_is_replaced_and_nothing_else_of_the_model(tmp_path: Path) -> None:
    model = with_digest(write_policy(tmp_path / "policy.onnx").read_bytes())
    entries = {"sim2real.provenance": '{"a": "ü"}', "new": ""}
    changed = with_digest(with_metadata(model, entries))
    kept = {key: value for key, value in metadata_of(model).items() if key != MODEL_DIGEST_KEY}
    assert {key: value for key, value in metadata_of(changed).items() if key != MODEL_DIGEST_KEY} == kept | entries
    one, two = onnx.load_from_string(model), onnx.load_from_string(changed)
    assert len(two.metadata_props) == len(one.metadata_props) + 1
    for each in (one, two):
        del each.metadata_props[:]
    assert one == two


def test_what_results_cannot_be_written_into_is_refused_before_anything_runs(tmp_path: Path) -> None:
    signed = write_policy(tmp_path / "signed.onnx")
    (tmp_path / "signed.onnx.minisig").touch()
    before = signed.read_bytes()
    for policy, words in (
        (signed, "is signed, and the signature would fit no longer"),
        (tmp_path, "no file of a policy"),
        (find_policy("pendulum_swingup"), "is shipped with sim2real"),
    ):
        for call in (["hil", "pendulum_swingup", "--policy"], ["eval"]):
            assert words in command(*call, policy, "--note", ok=False)["reasons"][0]
    assert "give the policy" in command("hil", "pendulum_swingup", "--note", ok=False)["reasons"][0]
    other = write_policy(tmp_path / "other.onnx")
    refused = command("hil", "pendulum_swingup", "--policy", other, "--note", "--set", "seed=2", ok=False)
    assert "not the policy's own" in refused["reasons"][0]
    assert signed.read_bytes() == before
    no_policy = tmp_path / "no.onnx"
    no_policy.write_bytes(b"no policy")
    with pytest.raises(UserError, match="not a valid ONNX model"):
        note(no_policy, HIL)


@pytest.mark.slow
def test_scenarios_and_episodes_are_noted_by_their_commands(tmp_path: Path) -> None:
    path = tmp_path / "mine.onnx"
    shutil.copy(find_policy("pendulum_swingup"), path)
    found = command("hil", "pendulum_silent_motor", "--policy", path, "--note")
    command("eval", path, "--episodes", "2", "--note")
    provenance = load_policy(path).provenance
    noted = HilResults.model_validate_json(provenance["hil"])
    assert noted.scenarios["pendulum_silent_motor"].digest == found["scenarios"][0]["digest"]
    assert noted.plant == "mujoco"
    assert [row.episodes for row in EvaluationResults.model_validate_json(provenance["evaluation"]).rows] == [2, 2]
    assert result_lines(provenance)[1].endswith("1 of 1 scenarios as expected")


def test_an_entry_that_is_none_of_ours_is_left_out() -> None:
    assert result_lines({"hil": "yes", "evaluation": '{"rows": 3}'}) == []
