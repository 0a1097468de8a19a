"""Laws of fleets: one robot first, the rest after it has passed its trial, and none after one that failed."""

import json
from pathlib import Path

import pytest
import yaml
from flash_models import ROBOT, write_policy
from typer.testing import CliRunner

from sim2real.commands.root import app
from sim2real.configs.errors import UserError
from sim2real.runtime.flash.destination import destination
from sim2real.runtime.flash.directory import DirectoryTarget
from sim2real.runtime.flash.fleet import flash_fleet, members
from sim2real.runtime.flash.rollback import status
from sim2real.runtime.flash.trial import TrialRun
from sim2real.runtime.states import State

S = 1_000_000_000


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    paths = []
    for name in ("first", "second", "third"):
        paths.append(tmp_path / f"{name}.yaml")
        entry = {"name": name, "kind": "directory", "path": str(tmp_path / name), "robot": "pendulum"}
        paths[-1].write_text(yaml.safe_dump(entry | {"unsigned": "accept", "healthy_for": "1 s"}))
    return [str(path) for path in paths]


def passes(folder: Path) -> None:
    """The runtime of a robot, for as long as its trial takes."""
    trial = TrialRun(DirectoryTarget(folder))
    trial.begin(ROBOT)
    trial.tick(State.RUNNING, 0)
    trial.tick(State.RUNNING, S)
    trial.broken_off(KeyboardInterrupt())


def flashed(tmp_path: Path, files: list[str], waiting, timeout: float = 10.0) -> list[tuple[str, str]]:
    now = [0.0]

    def sleep(seconds: float) -> None:
        now[0] += seconds
        waiting()

    places = [(file, destination(file, None)) for file in files]
    rows = flash_fleet(write_policy(tmp_path / "policy.onnx"), places, timeout, sleep, lambda: now[0])
    return [(row.state, row.words) for row in rows]


def test_the_rest_follow_when_the_first_has_passed_its_trial(tmp_path: Path, files: list[str]) -> None:
    held: list[bool] = []

    def waiting() -> None:
        held.append((tmp_path / "second").exists())
        passes(tmp_path / "first")

    rows = flashed(tmp_path, files, waiting)
    assert [state for state, _ in rows] == ["installed"] * 3
    assert rows[0][1] == "has passed its trial"
    assert held == [False]


@pytest.mark.parametrize("fate", ["silent", "revoked", "rolled back"])
def test_none_follows_a_first_that_did_not_pass(fate: str, tmp_path: Path, files: list[str]) -> None:
    first = destination(files[0], None)

    def waiting() -> None:
        if fate == "revoked":
            found = first.status()
            first.revoke(next(iter(slot.manifest.sha256 for slot in found.slots if slot.manifest)), "falls")
        elif fate == "rolled back":
            target = DirectoryTarget(tmp_path / "first")
            target.keep(target.record().model_copy(update={"trial": None}))

    rows = flashed(tmp_path, files, waiting)
    words = {
        "silent": "is still on trial after 10 s",
        "revoked": "failed its trial: falls",
        "rolled back": "no longer on",
    }
    assert words[fate] in rows[0][1]
    assert [state for state, _ in rows] == ["failed", "not tried", "not tried"]
    assert not (tmp_path / "second").exists()


def test_it_stops_at_the_first_failure_and_says_so_in_one_table(tmp_path: Path, files: list[str]) -> None:
    policy = write_policy(tmp_path / "policy.onnx")
    for file in files:
        Path(file).write_text(Path(file).read_text().replace("1 s", "0 s"))
    (tmp_path / "second").write_text("a file")
    fleet = tmp_path / "fleet.yaml"
    fleet.write_text("name: all\ntargets: [first.yaml, ./second.yaml, third.yaml]\n")
    done = CliRunner().invoke(app, ["flash", str(policy), "--to", str(fleet), "--json"])
    document = json.loads(done.stdout)
    assert done.exit_code == 1
    assert [row["state"] for row in document["targets"]] == ["installed", "failed", "not tried"]
    assert "is not a folder" in document["reasons"][0]
    text = CliRunner().invoke(app, ["flash", str(policy), "--to", str(fleet)]).stdout
    assert "already active" in text
    assert "not tried" in text
    assert status(DirectoryTarget(tmp_path / "first")).problem is None


def test_fleets_and_targets_are_named_once(tmp_path: Path, files: list[str]) -> None:
    fleet = tmp_path / "fleet.yaml"
    fleet.write_text("name: all\ntargets: [first.yaml, pendulum]\n")
    assert members([str(fleet), files[1]]) == (files[0], "pendulum", files[1])
    with pytest.raises(UserError, match="is named twice"):
        members([str(fleet), files[0]])
    fleet.write_text("name: all\ntargets: []\n")
    with pytest.raises(UserError, match=r"fleet\.yaml:2: targets"):
        members([str(fleet)])
