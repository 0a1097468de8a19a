"""Laws of `sim2real reproduce`: a saved divergence is repeated and told in one document; what is wrong is one line."""

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner
from worlds import pendulum

from sim2real.commands.root import app
from sim2real.configs.errors import UserError
from sim2real.configs.load import load_randomization
from sim2real.envs.batch_env import BatchEnv


def invoke(*arguments: object):
    return CliRunner().invoke(app, ["reproduce", *(str(argument) for argument in arguments)])


def saved(folder: Path, *, diverges: bool = True) -> Path:
    env = BatchEnv(pendulum(), load_randomization("pendulum"), 4, seed=1)
    env.reset_arrays(1)
    divergence = env.simulation.divergence
    divergence.folder = folder / "diverged"
    if diverges:
        env.simulation.batch.expand("dof_damping")[2] = -1e7
        for _ in range(20):
            env.step_arrays(np.full((4, 1), 0.3, np.float32))
            if divergence.saved:
                break
    else:
        divergence.snapshot()
        divergence.save(2, {"step": 0, "parameters": {}})
    return divergence.saved[0]


def test_a_divergence_is_told_with_its_step_joint_and_parameters(tmp_path: Path) -> None:
    path = saved(tmp_path)
    result = invoke(path, "--json")
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    assert document["ok"]
    assert document["diverged"]
    assert document["fastest_joint"] == "pivot"
    assert document["largest_velocity"] > 0.0
    assert "body_mass/arm" in document["record"]["parameters"]
    text = invoke(tmp_path).stdout  # a run with one such state
    assert "diverges in physics step" in text
    assert "fastest before   pivot: " in text
    assert "body_mass/arm: " in text


def test_a_step_that_does_not_diverge_again_fails_with_the_reason(tmp_path: Path) -> None:
    result = invoke(saved(tmp_path, diverges=False), "--json")
    assert result.exit_code == 1
    document = json.loads(result.stdout)
    assert not document["diverged"]
    assert "did not diverge again" in document["reasons"][0]


def test_the_state_can_be_drawn(tmp_path: Path) -> None:
    image = tmp_path / "state.png"
    result = invoke(saved(tmp_path), "--image", image, "--json")
    if "cannot render without a display" in result.output:
        pytest.skip("no OpenGL here that works without a display")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["image"] == str(image)
    assert image.read_bytes().startswith(b"\x89PNG")


def test_a_machine_that_cannot_draw_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_display(*_: object) -> None:
        raise UserError("cannot render without a display")

    monkeypatch.setattr("sim2real.rendering.camera.Camera.__init__", no_display)
    result = invoke(saved(tmp_path), "--image", tmp_path / "state.png")
    assert result.exit_code == 1
    assert result.stderr == "error: cannot render without a display\n"


@pytest.mark.parametrize("as_json", [False, True])
@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("{folder}/no.npz", "no.npz: not a saved divergence: "),
        ("{folder}", "diverged/diverged_0.npz"),
        ("{folder}/diverged", "is a folder; valid: "),
        ("{folder}/empty", "is a folder; valid: the path of a saved state, and there is none here"),
        (__file__, "not a saved divergence"),
    ],
)
def test_what_is_wrong_is_one_line(argument: str, message: str, as_json: bool, tmp_path: Path) -> None:
    path = saved(tmp_path)
    (path.parent / "diverged_1.npz").write_bytes(path.read_bytes())
    (tmp_path / "empty").mkdir()
    result = invoke(argument.format(folder=tmp_path), *(["--json"] if as_json else []))
    assert result.exit_code == 1
    assert result.stderr.startswith("error: ")
    assert result.stderr.count("\n") == 1
    assert message in result.stderr
    if as_json:
        assert message in json.loads(result.stdout)["reasons"][0]


def test_help_has_an_example() -> None:
    assert "Example: sim2real reproduce runs/first/diverged/diverged_0.npz" in " ".join(invoke("--help").stdout.split())
