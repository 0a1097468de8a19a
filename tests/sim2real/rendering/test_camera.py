"""Laws of the view: a robot that moves away stays in it, and what follows the centre of mass does."""

import mujoco
import numpy as np
import pytest

from sim2real.rendering.camera import Camera, Frame

BALL = '<geom name="ball" type="sphere" size=".1" rgba="1 0 0 1"/>'
CAMERAS = {
    "none": ("", ""),
    "in the world": ("", '<camera pos="0 -2 .5" xyaxes="1 0 0 0 .2 1"/>'),
    "in the world, turns to it": ("", '<camera mode="targetbody" target="base" pos="0 -2 1"/>'),
    "on the base": ('<camera mode="track" pos="0 -2 .5" xyaxes="1 0 0 0 .2 1"/>', ""),
    "at its centre of mass": ('<camera mode="trackcom" pos="0 -2 .5" xyaxes="1 0 0 0 .2 1"/>', ""),
    "first one in the world": (
        '<camera mode="trackcom" pos="0 -2 .5" xyaxes="1 0 0 0 .2 1"/>',
        '<camera pos="0 -2 .5"/>',
    ),
}


def red(frame: Frame) -> int:
    """Pixels that show the ball."""
    wide = frame.astype(int)
    return int(((wide[..., 0] > 60) & (wide[..., 0] > 2 * wide[..., 1])).sum())


@pytest.mark.parametrize("kind", CAMERAS)
def test_a_free_base_stays_in_view_wherever_it_goes(kind: str) -> None:
    own, world = CAMERAS[kind]
    model = mujoco.MjModel.from_xml_string(
        f'<mujoco><worldbody>{world}<geom type="plane" size="9 9 .1"/>'
        f'<body name="base" pos="0 0 .2"><freejoint/>{BALL}{own}</body></worldbody></mujoco>'
    )
    data = mujoco.MjData(model)
    camera = Camera(model, 160, 120)
    try:
        here = red(camera.frame(data))
        data.qpos[:3] = 3.0, 1.0, 0.2
        away = red(camera.frame(data))
    finally:
        camera.close()
    assert here > 20
    assert away > (20 if "turns" not in kind else 5)


def test_a_light_that_follows_the_centre_of_mass_is_where_the_robot_is() -> None:
    model = mujoco.MjModel.from_xml_string(
        '<mujoco><visual><headlight ambient="0 0 0" diffuse="0 0 0"/></visual><worldbody>'
        '<body name="base" pos="0 0 .2"><freejoint/><light mode="trackcom" pos="0 0 1" dir="0 0 -1"/>'
        f'{BALL}<camera mode="trackcom" pos="0 -2 .5" xyaxes="1 0 0 0 .2 1"/></body></worldbody></mujoco>'
    )
    data, camera = mujoco.MjData(model), Camera(model, 160, 120)
    try:
        data.qpos[:3] = 5.0, 5.0, 0.2
        lit = int(np.max(camera.frame(data)))
    finally:
        camera.close()
    assert lit > 100
