"""Laws of the trial of other people's models: a refusal is one line, what breaks is a problem, parts are no models."""

from pathlib import Path

import pytest

from sim2real.configs.errors import UserError
from sim2real.training.model_trials import ModelTrial, measured, models_below, try_model

HINGE = '<joint name="{0}" axis="0 1 0" range="-90 90"/><geom size=".02" pos=".1 0 0" mass=".1"/>'
ARM = f"""
<mujoco><worldbody>
  <body name="upper">{HINGE.format("a")}<body name="lower" pos=".2 0 0">{HINGE.format("b")}</body></body>
</worldbody></mujoco>
"""


def test_an_arm_is_trained_and_its_start_measured(tmp_path: Path) -> None:
    (tmp_path / "arm.xml").write_text(ARM, encoding="utf-8")
    trial = try_model(tmp_path / "arm.xml", 0.1, None)
    assert (trial.outcome, trial.said, trial.problems) == ("trained", "", ())
    assert (trial.motors, trial.kind, trial.residual) == (2, "pose", 0.0)
    assert trial.angular is not None
    assert list(tmp_path.iterdir()) == [tmp_path / "arm.xml"]


def test_what_is_no_robot_is_refused_in_the_words_of_the_command(tmp_path: Path) -> None:
    (tmp_path / "ball.xml").write_text(
        '<mujoco><worldbody><body><freejoint/><geom size="1"/></body></worldbody></mujoco>', encoding="utf-8"
    )
    trial = try_model(tmp_path / "ball.xml", 0.1, None)
    assert (trial.outcome, trial.problems) == ("refused by new robot", ())
    assert "no hinge joint" in trial.said
    ratios = measured([trial, ModelTrial("b.xml", "broken", problems=("train: KeyError",))])["ratios"]
    assert ratios == {"without_problem": 0.5, "not_refused": 0.0}


def test_parts_of_models_are_no_models(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no model below"):
        models_below(tmp_path)
    (tmp_path / "deep").mkdir()
    for name, text in (
        ("deep/arm.xml", ARM),
        ("part.xml", "<mujocoinclude><body/></mujocoinclude>"),
        ("defaults.xml", "<mujoco><default/></mujoco>"),
        ("arm.urdf", '<robot name="arm"/>'),
    ):
        (tmp_path / name).write_text(text, encoding="utf-8")
    assert [path.name for path in models_below(tmp_path)] == ["arm.urdf", "arm.xml"]
