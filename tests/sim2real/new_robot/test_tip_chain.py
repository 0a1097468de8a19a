"""Laws of the derived tip: its chain is the model's, whatever its frames and zeros; other points are refused."""

from pathlib import Path

import numpy as np
import pytest

from sim2real.configs.errors import ConfigError
from sim2real.configs.schema.robot import RobotConfig
from sim2real.model.kinematics_check import check_tip
from sim2real.model.model import compile_spec, load_spec
from sim2real.new_robot.robot import NewRobotOptions, new_robot

GEOM = '<geom size=".02" mass=".05"/>'


def made(folder: Path, xml: str, **options: object) -> RobotConfig:
    path = folder / "model.xml"
    path.write_text(f"<mujoco><compiler angle='radian'/><worldbody>{xml}</worldbody></mujoco>", encoding="utf-8")
    return new_robot(path, folder / "robot.yaml", NewRobotOptions(motor="xm430_w350", **options)).config


def numbers(values: np.ndarray) -> str:
    return " ".join(f"{value:.6f}" for value in values)


def arm(seed: int, joints: int = 4) -> str:
    """An arm of bodies at any attitude; one body has two joints, and zeros are anywhere."""
    draw = np.random.default_rng(seed)
    xml, end = "", ""
    for number in range(joints):
        frame = f'pos="{numbers(draw.uniform(-0.2, 0.2, 3))}" euler="{numbers(draw.uniform(-2, 2, 3))}"'
        xml += f'<body name="link{number}" {frame}>{GEOM}'
        for part in range(1 + (number == 2)):
            xml += (
                f'<joint name="joint{number}{"ab"[part]}" axis="{numbers(draw.normal(size=3))}" range="-2 2" '
                f'pos="{numbers(draw.uniform(-0.05, 0.05, 3))}" ref="{draw.uniform(-0.5, 0.5):.4f}"/>'
            )
        end += "</body>"
    return f'{xml}<site name="end" pos="{numbers(draw.uniform(-0.1, 0.1, 3))}"/>{end}'


@pytest.mark.parametrize("tip", [None, "link3", "link1", "end"])
@pytest.mark.parametrize("seed", range(4))
def test_the_derived_chain_is_the_model_s(seed: int, tip: str | None, tmp_path: Path) -> None:
    robot = made(tmp_path, arm(seed), tip=tip)
    assert robot.tip is not None
    assert (robot.tip.site or robot.tip.body) == (tip or "end")
    assert len(robot.tip.links) == (2 if tip == "link1" else 5)
    check_tip(compile_spec(load_spec(robot), robot), robot)


def test_the_guess_is_the_hand_not_a_sensor_before_it(tmp_path: Path) -> None:
    hinge = '<joint name="{0}" range="-1 1"/>'
    xml = f'<body name="a" pos="0 0 .1">{GEOM}{hinge.format("j1")}<site name="imu"/>'
    for number, name in enumerate(("b", "c", "d"), 2):
        xml += f'<body name="{name}" pos="0 0 .1">{GEOM}{hinge.format(f"j{number}")}'
    xml += f'<body name="hand" pos="0 0 .1">{GEOM}<body name="finger">{GEOM}'
    xml += '<joint name="slide" type="slide" range="0 .1"/>'
    robot = made(tmp_path, xml + "</body>" * 6)
    assert robot.tip is not None
    assert (robot.tip.site, robot.tip.body) == (None, "hand")


def test_a_floating_base_has_a_tip_when_asked(tmp_path: Path) -> None:
    leg = (
        f'<body name="thigh" pos=".1 0 0">{GEOM}<joint name="hip" range="-1 1"/><site name="toe" pos="0 0 -.2"/></body>'
    )
    xml = f'<geom type="plane" size="1 1 1"/><body name="trunk" pos="0 0 1"><freejoint/>{GEOM}{leg}</body>'
    assert made(tmp_path, xml).tip is None
    robot = made(tmp_path, xml, tip="toe")
    assert robot.tip is not None
    assert robot.tip.site == "toe"
    check_tip(compile_spec(load_spec(robot), robot), robot)


@pytest.mark.parametrize(
    ("tip", "said"),
    [
        ("nose", "--tip: no site or body 'nose'; valid: cart, pole"),
        ("pole", "--tip: joint 'rail' moves 'pole' too, and is no hinge with a motor"),
    ],
)
def test_what_cannot_be_a_tip_is_refused_with_the_reason(tip: str, said: str, tmp_path: Path) -> None:
    pole = f'<body name="pole">{GEOM}<joint name="hinge" range="-1 1"/></body>'
    xml = f'<body name="cart">{GEOM}<joint name="rail" type="slide" range="-1 1"/>{pole}</body>'
    assert made(tmp_path, xml).tip is None
    with pytest.raises(ConfigError, match=said):
        made(tmp_path, xml, tip=tip)
