"""Laws of the commands flash, rollback and status: one JSON document, one line for a mistake, a fitting exit status."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from flash_models import other_robot, write_policy
from typer.testing import CliRunner, Result

from sim2real.commands.root import app
from sim2real.runtime.flash.destination import destination
from sim2real.runtime.flash.manifest import FlashError


def invoke(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def document(result: Result) -> dict[str, Any]:
    """The one JSON document on standard output, and nothing else there."""
    found: dict[str, Any] = json.loads(result.stdout)
    assert result.stdout.count("\n") == 1
    assert found["ok"] == (result.exit_code == 0)
    assert found["ok"] == (found["reasons"] == [])
    return found


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    return write_policy(tmp_path / "policy.onnx", 1)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "bench"


def test_flash_status_rollback_tell_the_same_story(tmp_path: Path, folder: Path, policy: Path) -> None:
    second = write_policy(tmp_path / "second.onnx", 2)
    flashed = document(invoke("flash", policy, "--to", folder, "--robot", "pendulum", "--json"))
    assert flashed["changed"]
    assert flashed["previous"] is None
    assert Path(flashed["policy"]).read_bytes() == policy.read_bytes()
    again = document(invoke("flash", second, "--to", folder, "--robot", "pendulum", "--json"))
    assert again["previous"]["sha256"] == flashed["installed"]["sha256"]
    back = document(invoke("rollback", "--to", folder, "--json"))
    assert back["installed"]["sha256"] == flashed["installed"]["sha256"]
    found = document(invoke("status", "--to", folder, "--json"))
    assert found["active"] == "slot_a"
    assert [slot["state"] for slot in found["slots"]] == ["complete", "complete"]
    assert [slot["active"] for slot in found["slots"]] == [True, False]
    assert found["slots"][0]["provenance"]["steps"] == "1001"
    assert found["slots"][0]["task"] == "pendulum_swingup"
    assert found["policy"] == flashed["policy"]


def test_people_are_told_slot_task_robot_and_steps(folder: Path, policy: Path) -> None:
    flashed = invoke("flash", policy, "--to", folder, "--robot", "pendulum")
    assert flashed.exit_code == 0
    assert f"installed: {folder}/current/policy.onnx" in flashed.stdout
    text = invoke("status", "--to", folder).stdout
    assert "slot_a  pendulum_swingup for pendulum, 1001 steps" in text
    assert "slot_b  empty" in text


def test_flashing_twice_says_that_nothing_was_written(folder: Path, policy: Path) -> None:
    invoke("flash", policy, "--to", folder, "--robot", "pendulum")
    assert not document(invoke("flash", policy, "--to", folder, "--robot", "pendulum", "--json"))["changed"]


def test_a_target_file_names_folder_and_robot(tmp_path: Path, folder: Path, policy: Path) -> None:
    target = tmp_path / "bench.yaml"
    entry = {"name": "bench", "kind": "directory", "path": str(folder), "robot": "pendulum", "unsigned": "accept"}
    target.write_text(yaml.safe_dump(entry))
    assert document(invoke("flash", policy, "--to", target, "--json"))["path"] == str(folder)
    assert document(invoke("status", "--to", target, "--json"))["active"] == "slot_a"
    refused = document(invoke("flash", policy, "--to", target, "--robot", "pendulum", "--json"))
    assert "names its robot itself" in refused["reasons"][0]


def test_a_shipped_target_is_found_by_name(tmp_path: Path, policy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    found = document(invoke("flash", policy, "--to", "pendulum", "--json"))
    assert found["path"] == str(tmp_path / "home" / "sim2real" / "pendulum")


def test_status_of_a_robot_that_was_changed_since_fails(tmp_path: Path, folder: Path, policy: Path) -> None:
    invoke("flash", policy, "--to", folder, "--robot", "pendulum")
    assert document(invoke("status", "--to", folder, "--robot", "pendulum", "--json"))["ok"]
    shown = json.loads(invoke("config", "show", "robots", "pendulum", "--json").stdout)["config"]
    shown["joints"]["pivot"]["damping"] = "0.3 N*m*s/rad"
    changed = tmp_path / "changed.yaml"
    changed.write_text(yaml.safe_dump(shown))
    refused = document(invoke("status", "--to", folder, "--robot", changed, "--json"))
    assert "other settings" in refused["reasons"][0]


@pytest.mark.parametrize("as_json", [False, True])
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["flash", "{missing}", "--to", "{folder}", "--robot", "pendulum"], "cannot be read: No such file"),
        (["flash", "{policy}", "--to", "{folder}"], "a plain folder needs --robot ROBOT as well (shipped: "),
        (["flash", "{policy}", "--to", "{folder}", "--robot", "pendulun"], "did you mean 'pendulum'?"),
        (["flash", "{other}", "--to", "{folder}", "--robot", "pendulum"], "joints.pivot.effort_max: model 0.75"),
        (["flash", "{policy}", "--to", "{missing}.yaml"], "no such file"),
        (["flash", "{policy}", "--to", "{policy}", "--robot", "pendulum"], "is not a folder"),
        (["rollback", "--to", "{missing}"], "No such file or directory"),
        (["status", "--to", "{missing}"], "No such file or directory"),
        (["status", "--to", "{empty}"], "no policy is active; install one with: sim2real flash"),
        (["rollback", "--to", "{empty}"], "nothing is active"),
    ],
)
def test_a_mistake_is_one_line_and_status_1(
    arguments: list[str], message: str, as_json: bool, tmp_path: Path, folder: Path, policy: Path
) -> None:
    (tmp_path / "empty").mkdir()
    places = {
        "missing": tmp_path / "missing",
        "empty": tmp_path / "empty",
        "folder": folder,
        "policy": policy,
        "other": write_policy(tmp_path / "other.onnx", contract=other_robot()),
    }
    result = invoke(*(argument.format(**places) for argument in arguments), *(["--json"] if as_json else []))
    assert result.exit_code == 1
    assert result.stderr.startswith("error: ")
    assert result.stderr.count("\n") == 1
    assert message in result.stderr
    if as_json:
        assert message in document(result)["reasons"][0]
    assert not folder.exists()


@pytest.mark.parametrize("command", ["flash", "rollback", "status"])
def test_help_has_an_example(command: str) -> None:
    result = invoke(command, "--help")
    assert result.exit_code == 0
    assert f"Example: sim2real {command}" in " ".join(result.stdout.split())


def test_a_folder_of_an_unknown_user_is_one_line():
    with pytest.raises(FlashError, match=r"^~nobody-at-all/robot: cannot be found: Could not determine home directory"):
        destination("~nobody-at-all/robot", None)
