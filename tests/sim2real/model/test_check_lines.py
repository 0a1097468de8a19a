"""Laws of the check lines: whatever makes a simulation unlike a robot is one line, and a sound robot has none."""

from pathlib import Path

import pytest
from foreign_models import FLOOR, FOUR_BAR, biped, holding, robot_of

from sim2real.configs.library import shipped_with_model
from sim2real.configs.load import load_robot
from sim2real.configs.schema.start_pose import StartPoseConfig
from sim2real.model.check_lines import model_lines
from sim2real.plant import MujocoPlant
from sim2real.simulation.task_lines import task_lines


def lines(folder: Path, xml: str, **changes: object) -> list[str]:
    robot = robot_of(folder, xml, **changes)
    plant = MujocoPlant(robot)
    found = list(model_lines(plant.model, plant.start, robot))
    assert all("\n" not in line for line in found)
    return found


@pytest.mark.parametrize("name", shipped_with_model())
def test_a_shipped_robot_has_no_line(name: str) -> None:
    robot = load_robot(name)
    plant = MujocoPlant(robot)
    assert list(model_lines(plant.model, plant.start, robot)) == []


def test_a_sound_biped_has_no_line(tmp_path: Path) -> None:
    assert lines(tmp_path, biped()) == []


FIXED = (
    '<mujoco>{}<worldbody><body name="link"{}><joint name="a" {}/><geom size=".02" mass=".1"/>{}</body></worldbody>'
    "</mujoco>"
)


@pytest.mark.parametrize(
    ("xml", "said"),
    [
        (FIXED.format('<option gravity="0 0 0"/>', "", "", ""), "gravity is off"),
        (FIXED.format('<option><flag gravity="disable"/></option>', "", "", ""), "gravity is off"),
        (FIXED.format('<option gravity="0 -9.81 0"/>', "", "", ""), "gravity is 0 -9.81 0 m/s^2"),
        (FIXED.format('<option><flag contact="disable"/></option>', "", "", ""), "contacts are off"),
        (FIXED.format('<option><flag limit="disable"/></option>', "", "", ""), "joint limits are off"),
        (FIXED.format('<option><flag frictionloss="disable"/></option>', "", "", ""), "dry friction is off"),
        (FIXED.format('<option density="1.2"/>', "", "", ""), "a medium of density 1.2"),
        (FIXED.format("", ' gravcomp="1"', "", ""), "gravcomp: gravity is compensated, without a motor, on link"),
        (
            FIXED.format("", "", "", '<body><joint name="b" type="slide"/><geom size=".01" mass="1e-7"/></body>'),
            "almost no mass, below 1e-06 kg: body 2",
        ),
        (
            FIXED.format("", "", "", '<body><joint name="b" type="slide"/><geom size=".01" mass=".1"/></body>'),
            "joints that nothing drives, ties, springs or damps: b",
        ),
        (
            FIXED.format("", "", "", '<body><joint name="b" type="slide" range="0 1e-9"/><geom size=".01"/></body>'),
            "a range of zero: b",
        ),
        (FOUR_BAR, "closed loops and tied joints (connect 'pin'): the start pose fulfils them within"),
    ],
)
def test_what_is_unlike_a_robot_is_named(xml: str, said: str, tmp_path: Path) -> None:
    found = lines(tmp_path, xml)
    assert any(said in line for line in found), found


def test_a_free_base_without_ground_is_named_and_gets_one_on_request(tmp_path: Path) -> None:
    bare = biped().replace(FLOOR, "")
    robot = robot_of(tmp_path, bare)
    assert robot.ground == 0.0  # `new robot` adds one, and says so
    without = robot.model_copy(update={"ground": None})
    assert any("no ground under the free base 'trunk'" in line for line in task_lines(holding(without)))
    assert list(task_lines(holding(robot))) == []


@pytest.mark.parametrize(
    ("height", "said"), [("0.5 m", "starts 280 mm above the ground"), ("0.1 m", "120 mm inside the ground")]
)
def test_a_start_above_or_inside_the_ground_is_named_with_the_height_that_touches(height, said, tmp_path) -> None:
    found = lines(tmp_path, biped(), start=StartPoseConfig(height=height))
    assert any(said in line and "start.height: 0.22 m touches it" in line for line in found), found


def test_a_ground_in_a_body_and_a_table_are_grounds(tmp_path: Path) -> None:
    in_body = biped().replace(FLOOR, f'<body name="floor" pos="0 0 .1">{FLOOR}</body>')
    table = '<geom name="table" type="box" size="1 1 .05" pos="0 0 .05"/>'
    for xml in (in_body, biped().replace(FLOOR, table)):
        robot = robot_of(tmp_path, xml)
        assert MujocoPlant(robot).start.height == pytest.approx(0.32, abs=1e-4)
        assert list(task_lines(holding(robot))) == []


def test_a_base_that_nothing_can_touch_is_named(tmp_path: Path) -> None:
    ghost = biped().replace("<geom type", '<geom contype="0" conaffinity="0" type')
    assert any("nothing of the free base 'trunk' collides" in line for line in lines(tmp_path, ghost))


def test_bodies_that_overlap_in_the_start_pose_are_named(tmp_path: Path) -> None:
    arm = '<body name="{}" pos="{} 0 0"><joint name="{}" axis="0 1 0"/><geom size=".05" mass=".1"/></body>'
    xml = f"<mujoco><worldbody>{arm.format('one', 0, 'a')}{arm.format('two', 0.08, 'b')}</worldbody></mujoco>"
    assert any("one and two by 20 mm" in line for line in lines(tmp_path, xml))


def test_a_reset_mostly_beyond_the_limits_is_named(tmp_path: Path) -> None:
    reset = {"position": ("30 deg", "120 deg"), "velocity": ("0 rad/s", "90 rad/s")}
    found = list(task_lines(holding(robot_of(tmp_path, biped()), reset=reset)))
    assert any("most of reset.position is beyond position_limits" in line for line in found)
    assert any("is above velocity_limit: left, right" in line for line in found)
