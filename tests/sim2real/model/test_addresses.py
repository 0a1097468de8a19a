"""Laws of addresses in MuJoCo's arrays."""

import mujoco
import pytest

from sim2real.model.addresses import slide_joint


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
        <geom size=".1"/><body><joint name="hinge"/><geom size=".1"/></body></body></worldbody></mujoco>"""
    )
    assert slide_joint(model, vertical=True) == vertical
    assert slide_joint(model, vertical=False) == level


def test_a_model_without_slides_has_none() -> None:
    model = mujoco.MjModel.from_xml_string(
        '<mujoco><worldbody><body><joint/><geom size=".1"/></body></worldbody></mujoco>'
    )
    assert slide_joint(model, vertical=True) is None
    assert slide_joint(model, vertical=False) is None
