"""The demo as a user meets it: it fails when the arm does not stand, and leaves everything to look at either way."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from sim2real.runtime.policy import OnnxPolicy
from sim2real.runtime.replay import replay

SHORT = ("steps=16384", "environments=64", "task.episode_duration=2 s", "task.goal.hold=1 s")


@pytest.mark.realtime
def test_a_policy_that_learned_nothing_fails_the_demo_and_shows_why(tmp_path: Path) -> None:
    overrides = [part for text in SHORT for part in ("--set", text)]
    command = [sys.executable, "-m", "sim2real.cli", "demo", "--runs-dir", str(tmp_path), *overrides, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    assert "error: Not upright: " in done.stderr
    document = json.loads(done.stdout)
    assert document["ok"] is False
    paths = {name: Path(path) for name, path in document["paths"].items()}
    # A machine without OpenGL says so and shows everything else.
    drawn = not any(warning.startswith("no video: ") for warning in document["warnings"])
    assert set(paths) == {"report", "policy", "log", "learning", "angle", "ticks"} | ({"video"} if drawn else set())
    for path in paths.values():
        assert path.stat().st_size > 1000
    page = paths["report"].read_text()
    assert "Not upright" in page
    assert page.count("<svg ") == 3
    assert page.count("data:video/mp4;base64,") == int(drawn)
    assert "http" not in page.replace("http-equiv", "")  # needs nothing beside it
    assert (tmp_path / "demo").resolve() == paths["report"].parent.resolve()
    assert document["training"]["parity"] < 1e-5
    # What went over the wire goes through the contract again and comes out the same, inference included.
    replayed = replay(paths["log"], OnnxPolicy(paths["policy"]))
    assert replayed.ticks > 0  # how many of the 200 depends on how busy the machine is
    assert replayed.mismatches == ()


@pytest.mark.slow
def test_wrong_input_to_the_demo_is_one_line(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "sim2real.cli", "demo", "--runs-dir", str(tmp_path), "--set", "task.nope=1"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1
    assert done.stderr.startswith("error: --set task.nope=1")
    assert list(tmp_path.iterdir()) == []
