"""Laws of `sim2real check`: it names what a person would look at first, and draws it."""

import json
from pathlib import Path

import numpy as np
import pytest
from foreign_models import FLOOR, FOUR_BAR, GRIPPER, LINK, biped, holding, made
from typer.testing import CliRunner

from sim2real.commands.root import app
from sim2real.configs.errors import UserError
from sim2real.plant import MujocoPlant
from sim2real.simulation.first_moments import start_of
from sim2real.training.checkup import checkup, kind_of
from sim2real.training.robot_drop import dropped


def run(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["check", *arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.stdout, result.stderr


@pytest.mark.parametrize("xml", [FOUR_BAR, GRIPPER, biped()])
def test_robots_of_new_robot_start_at_rest_with_closed_loops(xml: str, tmp_path: Path) -> None:
    start = start_of(holding(made(tmp_path, xml).config))
    assert start.residual <= 1e-5
    assert start.lines == []


def test_a_start_that_moves_by_itself_is_a_line(tmp_path: Path) -> None:
    robot = made(tmp_path, biped()).config
    sunk = robot.model_copy(update={"start": robot.start.model_copy(update={"height": 0.02})})
    assert any("within 50 ms of the start" in line for line in start_of(holding(sunk)).lines)


def test_a_robot_with_its_motors_off_falls_and_comes_to_rest(tmp_path: Path) -> None:
    level = LINK.replace("0 0 0 0 0 -.2", "0 0 0 .2 0 0")
    level = f'<body name="arm" pos="0 0 1"><joint name="a" axis="0 1 0"/>{level}</body>'
    drop = dropped(made(tmp_path, f"<mujoco><worldbody>{level}</worldbody></mujoco>").config)
    assert drop.fastest > 0.2
    assert "with its motors off, it reaches" in drop.line
    assert np.isfinite(drop.states).all()


def test_kinds_are_told_by_name_and_by_content(tmp_path: Path) -> None:
    assert [kind_of(name) for name in ("pendulum_ppo", "pendulum_swingup", "pendulum")] == [
        "experiments",
        "tasks",
        "robots",
    ]
    made(tmp_path, biped())
    assert kind_of(str(tmp_path / "robot.yaml")) == "robots"
    (tmp_path / "x.yaml").write_text("name: x\n")
    with pytest.raises(UserError, match="neither a robot, a task nor an experiment"):
        kind_of(str(tmp_path / "x.yaml"))
    with pytest.raises(UserError, match="no shipped robot, task or experiment"):
        kind_of("pendulums")


def test_the_command_prints_a_document_and_draws_a_sheet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    made(tmp_path, biped().replace(FLOOR, ""))
    text = Path("robot.yaml").read_text().replace("ground: 0 m", "# ")
    Path("robot.yaml").write_text(text)
    status, out, _ = run("robot.yaml", "--json")
    document = json.loads(out)
    assert (status, document["ok"], document["kind"], document["rewards"]) == (0, True, "robot", None)
    assert any("no ground under the free base 'trunk'" in line for line in document["checks"])
    assert document["start"]["diverged"] is False
    sheet = Path(document["picture"])
    assert sheet.read_bytes().startswith(b"\x89PNG")
    assert run("robot.yaml", "--no-picture", "--strict")[0] == 1


def test_a_task_is_checked_with_what_untaught_policies_earn() -> None:
    found = checkup("pendulum_swingup")
    assert found.rewards is not None
    assert {policy.name for policy in found.rewards.policies} == {"idling", "acting at random"}
    assert found.lines == ()
    assert found.played["idle"].shape[1] == MujocoPlant(found.task.robot).model.nq


def test_what_is_not_there_is_one_line(tmp_path: Path) -> None:
    for arguments, said in (
        (("gone.yaml",), "gone.yaml"),
        (("pendulum", "--picture", str(tmp_path / "x.jpg")), "ends in .png"),
    ):
        status, out, err = run(*arguments)
        assert (status, out, err.count("\n")) == (1, "", 1)
        assert said in err
