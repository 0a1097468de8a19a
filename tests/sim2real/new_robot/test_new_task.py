"""Laws of `sim2real new task`: its files load together, simulate, and are refused where a robot lacks something."""

import json
from pathlib import Path

import numpy as np
import pytest
from foreign_models import biped, made
from typer.testing import CliRunner

from sim2real.commands.root import app
from sim2real.configs.load import load_experiment
from sim2real.envs.batch_env import BatchEnv
from sim2real.simulation.task_lines import task_lines
from sim2real.task.check import check_terms

ARM = """
<mujoco><default><joint axis="0 1 0" range="-90 90"/><geom size=".02" pos=".1 0 0" mass=".1"/></default><worldbody>
  <body name="upper" pos="0 0 .2"><joint name="a"/><geom/>
    <body name="lower" pos=".2 0 0"><joint name="b"/><geom/></body>
  </body>
</worldbody></mujoco>
"""
RAIL = """
<mujoco><worldbody>
  <body name="cart"><joint name="rail" type="slide" range="-1 1"/><geom size=".1" mass="1"/></body>
</worldbody><actuator><motor joint="rail"/></actuator></mujoco>
"""


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def run(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["new", "task", *arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.stdout, result.stderr


@pytest.mark.parametrize(
    ("robot", "kind"),
    [
        ("quadruped", "walk"),
        ("quadruped", "stand"),
        ("so101", "reach"),
        ("so101", "track"),
        ("robot.yaml", "walk"),
        ("robot.yaml", "balance"),
        ("arm.yaml", "reach"),
        ("arm.yaml", "pose"),
        ("rail.yaml", "pose"),
        ("pendulum", "pose"),
    ],
)
def test_the_files_load_together_and_simulate(robot: str, kind: str, tmp_path: Path) -> None:
    if robot.endswith(".yaml"):
        made(tmp_path, {"arm.yaml": ARM, "rail.yaml": RAIL}.get(robot, biped()))
        robot = "robot.yaml"
    status, out, err = run(robot, "--kind", kind, "--json")
    assert (status, err) == (0, "")
    document = json.loads(out)
    experiment = load_experiment(next(path for path in document["paths"] if path.endswith("_ppo.yaml")))
    check_terms(experiment.task)
    assert list(task_lines(experiment.task)) == []
    env = BatchEnv(experiment.task, experiment.randomization, 4, seed=1, threads=1)
    env.reset()
    rng = np.random.default_rng(0)
    for _ in range(10):
        observation, reward, *_ = env.step(rng.uniform(-1.0, 1.0, env.action_space.shape).astype(np.float32))
        assert np.isfinite(observation).all()
        assert np.isfinite(reward).all()


def test_a_robot_that_lacks_what_a_kind_needs_is_refused_and_nothing_written(tmp_path: Path) -> None:
    made(tmp_path, RAIL)
    before = sorted(tmp_path.iterdir())
    for arguments, said in (
        (("robot.yaml", "--kind", "walk"), "needs a robot whose base floats"),
        (("robot.yaml", "--kind", "reach"), "needs `tip`"),
        (("robot.yaml", "--kind", "fly"), "valid: reach, track, pose, walk, stand, balance"),
        (("robot.yaml", "--kind", "walk", "-o", "gone"), "no folder gone"),
        (("pendulums", "--kind", "walk"), "pendulums"),
    ):
        status, out, err = run(*arguments)
        assert (status, out, err.count("\n")) == (1, "", 1)
        assert said in err
    assert sorted(tmp_path.iterdir()) == before


def test_files_are_never_overwritten_without_force() -> None:
    assert run("quadruped", "--kind", "stand")[0] == 0
    status, _, err = run("quadruped", "--kind", "stand")
    assert status == 1
    assert "--force" in err
    assert run("quadruped", "--kind", "stand", "--force")[0] == 0
