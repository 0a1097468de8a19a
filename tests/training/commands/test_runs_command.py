"""Laws of `sim2real runs`: what is there is listed and compared; nothing that may be needed is removed unasked."""

import json
import os
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from sim2real.commands.root import app


def made(name: str, *, steps: int = 0, finished: bool = False, seed: int = 0, age_s: float = 3600.0) -> Path:
    folder = Path("runs") / name
    (folder / "checkpoints").mkdir(parents=True)
    (folder / "config.yaml").write_text(f"name: swing\nsteps: 1000\nseed: {seed}\nalgorithm: {{name: ppo}}\n")
    if steps:
        rows = ({"iteration": 1, "steps": steps, "episode/success": 0.5}, {"iteration": 2, "steps": steps})
        (folder / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        (folder / "checkpoints" / "000002.pt").write_bytes(b"x" * 2048)
    if finished:
        (folder / "policy.onnx").write_bytes(b"model")
    for path in folder.rglob("*"):
        os.utime(path, (time.time() - age_s,) * 2)
    return folder


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    made("done", steps=1000, finished=True)
    made("cut", steps=400, seed=3, age_s=7200.0)
    made("empty", age_s=9000.0)
    (tmp_path / "runs" / "notes").mkdir()


def runs(*arguments: str, code: int = 0) -> dict:
    result = CliRunner().invoke(app, ["runs", *arguments, "--json"])
    assert result.exit_code == code, result.output
    return json.loads(result.stdout)


def test_runs_are_listed_the_newest_first() -> None:
    found = runs("list")["runs"]
    assert [run["name"] for run in found] == ["done", "cut", "empty"]
    assert [(run["steps"], run["finished"], run["success"]) for run in found] == [
        (1000, True, 0.5), (400, False, 0.5), (0, False, None)
    ]  # fmt: skip
    text = CliRunner().invoke(app, ["runs", "list"]).stdout
    assert "cut" in text
    assert "400/1000" in text
    assert "unfinished" in text
    assert max(map(len, text.splitlines())) <= 80


def test_a_folder_without_runs_says_how_to_begin_one() -> None:
    assert "sim2real train" in CliRunner().invoke(app, ["runs", "list", "--runs-dir", "nowhere"]).stdout


def test_two_runs_differ_in_what_was_set() -> None:
    assert runs("compare", "done", "runs/cut")["differences"] == [{"key": "seed", "values": [0, 3]}]
    assert "the settings are the same" in CliRunner().invoke(app, ["runs", "compare", "done", "empty"]).stdout


def test_clean_without_a_terminal_removes_nothing_unless_told_to() -> None:
    refused = runs("clean", "cut", code=1)
    assert refused["reasons"] == ["there is no terminal to ask on; give --yes to remove: run cut: 400 steps, 2 KiB"]
    assert Path("runs/cut/config.yaml").exists()


def test_clean_removes_what_learned_nothing() -> None:
    assert runs("clean", "--yes")["removed"] == ["runs/empty"]
    assert sorted(path.name for path in Path("runs").iterdir()) == ["cut", "done", "notes"]


def test_clean_removes_what_is_named() -> None:
    assert runs("clean", "cut", "done", "--yes")["removed"] == ["runs/cut", "runs/done"]
    assert not Path("runs/cut").exists()


def test_clean_of_checkpoints_keeps_policies_and_what_can_be_resumed() -> None:
    assert runs("clean", "--checkpoints", "--yes") == {
        "ok": True, "reasons": [], "removed": ["runs/done"], "bytes": 2048
    }  # fmt: skip
    assert Path("runs/done/policy.onnx").exists()
    assert not Path("runs/done/checkpoints").exists()
    assert Path("runs/cut/checkpoints/000002.pt").exists()
    assert "cannot be resumed" in runs("clean", "cut", "--checkpoints", "--yes", code=1)["reasons"][0]


def test_a_run_that_may_be_learning_stays() -> None:
    made("now", age_s=5.0)
    assert "may still be learning" in runs("clean", "now", "--yes", code=1)["reasons"][0]
    assert runs("clean", "--yes")["removed"] == ["runs/empty"]
    assert Path("runs/now").exists()


def test_a_folder_that_is_no_run_is_refused() -> None:
    assert "not a run" in runs("clean", "notes", "--yes", code=1)["reasons"][0]
