"""Laws of addresses in MuJoCo's arrays."""

import mujoco
import pytest

from sim2real.configs.load import load_robot
from sim2real.model.addresses import slide_joint

ROBOT = load_robot("pendulum")
"""Its joint is `pivot`."""


@pytest.mark.parametrize(
    ("turn", "vertical", "level"),
    [
        ("0 0 0", (1, 1), (0, 0)),
        ("0 90 0", (0, 0), (1, 1)),  # the x axis now points up
        ("0 0 90", (1, 1), (0, 0)),
    ],
)
def test_vertical_and_level_slides_are_distinguished(turn, vertical, level) -> None:
    model = mujoco.MjModel.from_xml_string(
        f"""<mujoco><worldbody><body euler="{turn}">
        <joint name="x" type="slide" axis="1 0 0"/><joint name="z" type="slide" axis="0 0 1"/>
        <geom size=".1"/><body><joint name="pivot"/><geom size=".1"/></body></body></worldbody></mujoco>"""
    )
    assert slide_joint(model, ROBOT, vertical=True) == vertical
    assert slide_joint(model, ROBOT, vertical=False) == level


def test_a_model_without_slides_has_none() -> None:
    model = mujoco.MjModel.from_xml_string(
        '<mujoco><worldbody><body><joint name="pivot"/><geom size=".1"/></body></worldbody></mujoco>'
    )
    assert slide_joint(model, ROBOT, vertical=True) is None
    assert slide_joint(model, ROBOT, vertical=False) is None


def test_only_a_slide_that_carries_the_robot_is_its_rail() -> None:
    model = mujoco.MjModel.from_xml_string(
        """<mujoco><worldbody><body><joint name="lift" type="slide"/><geom size=".1"/></body>
        <body><joint name="pivot"/><geom size=".1"/><body><joint name="z" type="slide"/><geom size=".1"/></body></body>
        </worldbody></mujoco>"""
    )
    assert slide_joint(model, ROBOT, vertical=True) is None
