"""Laws of legs: `new robot` finds the feet, and a pose to stand in where the model's own is none."""

import math
from pathlib import Path

import mujoco
import numpy as np
import pytest
from foreign_models import FLOOR, LINK, biped, holding, made, quadruped

from sim2real.configs.yaml_source import parse_yaml
from sim2real.model.feet import soles
from sim2real.model.model import build_model
from sim2real.new_robot.task_text import new_task
from sim2real.plant import MujocoPlant
from sim2real.simulation.first_moments import start_of

BOX = '<geom type="box" size=".06 .03 .01" pos=".02 0 -.2" mass=".05"/>'
"""A foot without a name, that is no sphere."""


def test_feet_are_the_ends_of_the_legs_from_the_front_left_to_the_rear_right(tmp_path: Path) -> None:
    assert made(tmp_path, quadruped()).config.feet == ("fl_foot", "fr_foot", "rl_foot", "rr_foot")


def test_feet_without_a_name_have_one_in_the_file(tmp_path: Path) -> None:
    config = made(tmp_path, quadruped(BOX)).config
    assert [foot.split("_")[0] for foot in config.feet] == ["fl", "fr", "rl", "rr"]
    model = MujocoPlant(config).model
    bodies = [model.body(int(model.geom(config.in_model(foot)).bodyid[0])).name for foot in config.feet]
    assert bodies == ["fl_calf", "fr_calf", "rl_calf", "rr_calf"]


def test_an_arm_and_a_robot_on_single_hinges_have_no_feet(tmp_path: Path) -> None:
    hand = f'<body pos="0 0 -.2"><joint name="b"/>{LINK}</body>'
    arm = f'<mujoco><worldbody>{FLOOR}<body pos="0 0 1"><joint name="a"/>{LINK}{hand}</body></worldbody></mujoco>'
    assert made(tmp_path, arm).config.feet == ()
    assert made(tmp_path, biped()).config.feet == ()


@pytest.mark.parametrize("foot", [None, BOX])
def test_a_pose_outside_the_ranges_becomes_one_with_feet_below_the_hips(foot: str | None, tmp_path: Path) -> None:
    new = made(tmp_path, quadruped() if foot is None else quadruped(foot))
    plant = MujocoPlant(new.config)
    model, data = plant.model, plant.data
    for name in ("fl", "fr", "rl", "rr"):
        geom = next(each for each in new.config.feet if each.startswith(name))
        sole, hip = data.geom(new.config.in_model(geom)), data.body(f"{name}_hip")
        np.testing.assert_allclose(sole.xpos[0], hip.xpos[0], atol=5e-3)
        assert new.config.joints[f"{name}_knee"].default_position < math.radians(-50.0)
    feet = [int(model.geom(new.config.in_model(foot)).id) for foot in new.config.feet]
    heights = data.geom_xpos[feet, 2] - soles(
        model, plant.start.qpos, [new.config.in_model(f) for f in new.config.feet]
    )
    np.testing.assert_allclose(heights, 0.0, atol=2e-3)
    assert any("legs bent, feet below the hips" in line for line in new.checks)
    assert start_of(holding(new.config)).lines == []


def bent(xml: str) -> str:
    """The quadruped with thighs forward and calves backward in the pose of the file, and knees that reach both ways."""
    return (
        xml.replace("-150 -50", "-150 100")
        .replace('_thigh" pos=', '_thigh" euler="0 -30 0" pos=')
        .replace('_calf" pos=', '_calf" euler="0 60 0" pos=')
    )


def test_a_pose_that_stands_on_bent_legs_and_that_of_a_keyframe_are_kept(tmp_path: Path) -> None:
    assert all(joint.default_position == 0.0 for joint in made(tmp_path, bent(quadruped())).config.joints.values())
    legs = "0 .9 -1.5 " * 4
    key = f'<keyframe><key name="home" qpos="0 0 .3 1 0 0 0 {legs}"/></keyframe></mujoco>'
    config = made(tmp_path, quadruped().replace("</mujoco>", key)).config
    assert config.joints["fl_pitch"].default_position == pytest.approx(0.9, abs=1e-5)


def test_straight_legs_are_bent(tmp_path: Path) -> None:
    new = made(tmp_path, quadruped().replace("-150 -50", "-150 50"))
    assert abs(new.config.joints["fl_knee"].default_position) > math.radians(20.0)
    assert any("in the model's initial pose its legs are straight" in line for line in new.checks)


def test_a_flat_foot_stays_flat_on_bent_legs(tmp_path: Path) -> None:
    sole = '<geom type="box" size=".05 .03 .01" pos=".02 0 -.03" mass=".05"/>'
    ankle = '<joint name="{name}_ankle" axis="0 1 0" range="-60 60"/>'
    foot = f'<body name="{{name}}_sole" pos="0 0 -.2">{ankle}{sole}</body>'
    new = made(tmp_path, quadruped(foot).replace("-150 -50", "-150 50"))
    plant = MujocoPlant(new.config)
    assert abs(new.config.joints["fl_knee"].default_position) > math.radians(20.0)
    for name in new.config.feet:
        rotation = plant.data.geom(new.config.in_model(name)).xmat.reshape(3, 3)
        assert rotation[2, 2] == pytest.approx(1.0, abs=1e-3)


def test_a_start_pose_that_falls_over_is_named(tmp_path: Path) -> None:
    leaning = quadruped().replace("-150 -50", "-150 50").replace('<geom type="box" size=".25 .08 .05" mass="5"/>', "")
    weight = '<geom type="box" size=".05 .05 .05" pos=".6 0 0" mass="20"/><body name="rr_hip"'
    lines = made(tmp_path, leaning.replace('<body name="rr_hip"', weight, 1)).checks
    assert any("outside what the feet stand on: the robot falls over" in line for line in lines)


def test_motors_that_half_of_the_feet_overload_are_named(tmp_path: Path) -> None:
    light = quadruped().replace('mass=".4"', 'mass=".1"').replace('mass="5"', 'mass="{}"')
    for mass, said in (("0.1", ""), ("2", "little is left to walk with"), ("20", "too weak to walk")):
        new = made(tmp_path, light.replace("{}", mass), motor="xm430_w350")
        line = next((line for line in new.checks if "on half of its feet" in line), "")
        assert line.endswith(said)
        assert bool(line) == bool(said)


def test_a_sole_is_the_lowest_point_of_its_foot(tmp_path: Path) -> None:
    config = made(tmp_path, quadruped()).config
    built = build_model(holding(config))
    assert soles(built.model, built.start.qpos, list(config.feet)).tolist() == [0.02] * 4
    config = made(tmp_path, quadruped(BOX)).config
    built = build_model(holding(config))
    data = mujoco.MjData(built.model)
    data.qpos[:] = built.start.qpos
    mujoco.mj_kinematics(built.model, data)
    for foot, below in zip(
        config.feet, soles(built.model, built.start.qpos, [*map(config.in_model, config.feet)]), strict=True
    ):
        place = data.geom(config.in_model(foot))
        corners = (
            place.xpos
            + np.array([[x, y, z] for x in (-0.06, 0.06) for y in (-0.03, 0.03) for z in (-0.01, 0.01)])
            @ place.xmat.reshape(3, 3).T
        )
        assert below == pytest.approx(place.xpos[2] - corners[:, 2].min(), abs=1e-12)


def test_neighbours_around_the_robot_step_in_turn(tmp_path: Path) -> None:
    made(tmp_path, quadruped())
    text = new_task(str(tmp_path / "robot.yaml"), "./robot.yaml", "walk").texts["model_walk.yaml"]
    assert "offsets: {fl_foot: 0, fr_foot: 0.5, rl_foot: 0.5, rr_foot: 0}" in text
    assert "term: gait_tracking" in text


@pytest.mark.parametrize("motor", ["xl430_w250", "sts3215_7v4", "xm430_w350", "moteus_qdd100"])
def test_a_gait_asks_of_the_motors_what_they_are_fast_enough_for(motor: str, tmp_path: Path) -> None:
    robot = made(tmp_path, quadruped(), motor=motor).config
    made_task = new_task(str(tmp_path / "robot.yaml"), "./robot.yaml", "walk")
    task = parse_yaml(made_task.texts["model_walk.yaml"], "task").data
    joint = robot.joints["fl_knee"]
    lift = float(str(task["gait"]["lift"]).removesuffix(" mm")) * 1e-3
    speed = float(task["commands"]["forward"]["range"][1])
    bend = abs(joint.default_position) / 2.0  # of thigh and calf, 0.2 m each, from the vertical
    bent = math.acos(math.cos(bend) - lift / 0.4)
    knee, hip = 2.0 * (bent - bend) / 0.125, math.pi / 2.0 * speed / (0.4 * math.cos(bend))
    assert 0.0 < knee <= 0.65 * joint.velocity_limit
    assert 0.0 < hip <= 0.65 * joint.velocity_limit
