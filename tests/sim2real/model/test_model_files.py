"""Laws of the user's MJCF: a model that does not fit the robot is refused in one line."""

from pathlib import Path

import pytest
from worlds import pendulum

from sim2real.configs.errors import UserError
from sim2real.model.model import build_model


def test_a_model_without_the_joint_is_refused_with_the_valid_names(tmp_path: Path) -> None:
    config = pendulum()
    joint = config.robot.joints["pivot"]
    robot = config.robot.model_copy(update={"joints": {"elbow": joint}})
    with pytest.raises(UserError, match=r"no hinge or slide joint named 'elbow'.*valid: pivot"):
        build_model(config.model_copy(update={"robot": robot}))
    missing = config.robot.model_copy(update={"model": f"{tmp_path}/none.xml"})
    with pytest.raises(UserError, match=r"none\.xml does not exist"):
        build_model(config.model_copy(update={"robot": missing}))


def test_a_broken_model_file_is_one_line(tmp_path: Path) -> None:
    broken = tmp_path / "broken.xml"
    broken.write_text("<mujoco><worldbody><body></mujoco>")
    config = pendulum()
    robot = config.robot.model_copy(update={"model": str(broken)})
    with pytest.raises(UserError, match=r"broken\.xml: not a valid MuJoCo model") as caught:
        build_model(config.model_copy(update={"robot": robot}))
    assert "\n" not in str(caught.value)
