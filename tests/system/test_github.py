"""Laws of what GitHub runs: the files are valid, and every command, option and input in them exists."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from sim2real.commands.root import app

ROOT = Path(__file__).resolve().parents[2]
ACTION = ROOT / ".github" / "actions" / "hil" / "action.yml"
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
PAGES = sorted((ROOT / "docs").rglob("*.md"))

_ON_A_PAGE = re.compile(r'^```yaml title="\.github/workflows/[\w.]+"\n(.*?)^```$', re.MULTILINE | re.DOTALL)
_INPUT = re.compile(r"\$\{\{[^}]*\binputs\.([\w-]+)")


def action() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(ACTION.read_text())
    return found


def workflows() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every workflow of the repository and of the documentation."""
    for path in WORKFLOWS:
        yield path.name, yaml.safe_load(path.read_text())
    for page in PAGES:
        for text in _ON_A_PAGE.findall(page.read_text()):
            yield page.name, yaml.safe_load(text)


def steps(workflow: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for job in workflow["jobs"].values():
        assert job["runs-on"]
        yield from job["steps"]


def check_command(line: str) -> None:
    """Fail unless a line that begins with `sim2real` names a command and options of it."""
    words = shlex.split(line)[1:]
    command: Any = typer.main.get_command(app)
    while hasattr(command, "commands") or hasattr(command, "list_commands"):
        known = command.list_commands(None)
        name = words.pop(0) if words[0] in known else "run"  # `hil SCENARIO` is `hil run SCENARIO`
        assert name in known, line
        command = command.get_command(None, name)
    options = {option for one in command.params for option in (*one.opts, *one.secondary_opts)}
    assert {word for word in words if word.startswith("--")} <= options, line


def commands(script: str) -> Iterator[str]:
    for line in script.replace("\\\n", " ").splitlines():
        if line.strip().startswith("sim2real "):
            yield re.sub(r"\$\{\w+:\+([^}]*)\}", r"\1", line.strip()).partition(" | ")[0]


@pytest.mark.parametrize(("name", "workflow"), [pytest.param(*each, id=each[0]) for each in workflows()])
def test_a_workflow_names_what_there_is(name: str, workflow: dict[str, Any]) -> None:
    assert workflow["name"]
    assert workflow[True], "on: is what YAML reads as true"
    for step in steps(workflow):
        assert ("uses" in step) != ("run" in step)
        if "actions/hil" in step.get("uses", ""):
            assert step["uses"].partition("@")[0].endswith(ACTION.parent.relative_to(ROOT).as_posix())
            assert set(step["with"]) <= set(action()["inputs"])
        for line in commands(step.get("run", "")):
            check_command(line)


def test_the_action_uses_its_inputs_and_puts_none_into_a_script() -> None:
    text, found = ACTION.read_text(), action()
    assert set(_INPUT.findall(text)) | set(re.findall(r"inputs\.([\w-]+)", text)) == set(found["inputs"])
    for entry in found["inputs"].values():
        assert entry["description"]
        assert isinstance(entry["default"], str)
    for step in found["runs"]["steps"]:
        assert ("uses" in step) != ("run" in step)
        assert "${{" not in step.get("run", ""), "what a pull request can choose would be run as a command"
        for line in commands(step.get("run", "")):
            check_command(line)


def run_step(name: str, folder: Path, **inputs: str) -> "subprocess.CompletedProcess[str]":
    """Run one step of the action as GitHub's shell does."""
    (step,) = (step for step in action()["runs"]["steps"] if step.get("name") == name)
    given = {key: inputs.get(key.lower(), "") for key in step["env"]}
    environment = (
        os.environ | given | {"RESULTS": str(folder / "results"), "GITHUB_STEP_SUMMARY": str(folder / "summary")}
    )
    environment["PATH"] = f"{Path(sys.executable).parent}:{environment['PATH']}"
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.mark.slow
def test_the_action_s_steps_run_and_a_scenario_that_fails_is_a_step_that_fails(tmp_path: Path) -> None:
    (tmp_path / "still.yaml").write_text(
        "name: still\ntask: pendulum_swingup\nduration: 500 ms\n"
        "expect: {checks: [{always: pivot.position in -1 deg .. 1 deg}]}\n"
    )
    (tmp_path / "test_robot.py").write_text(
        "def test_robot(robot, policy): assert robot.run(policy, duration=0.2).ok\n"
    )
    failed = run_step("scenarios", tmp_path, scenarios="pendulum_silent_motor still.yaml", policy="pendulum_swingup")
    assert failed.returncode == 1, failed.stdout + failed.stderr
    assert "1 of 2 as expected" in failed.stdout
    tested = run_step("tests", tmp_path, tests="test_robot.py", robot="pendulum", realtime="false")
    assert tested.returncode == 0, tested.stdout + tested.stderr
    run_step("summary", tmp_path)
    assert "1 of 2 as expected" in (tmp_path / "summary").read_text()
    left = {path.relative_to(tmp_path / "results").as_posix() for path in (tmp_path / "results").rglob("*")}
    assert {"scenarios.xml", "tests.xml", "logs/still.mcap", "failures/still/picture.png"} <= left
