"""Laws of `new robot` on foreign models: only what an actuator drives gets a motor, and the rest is named."""

from pathlib import Path

import numpy as np
import pytest
from foreign_models import FOUR_BAR, LINK, biped, holding, made, robot_of
from worlds import idle, qvel, simulate

from sim2real.configs.errors import UserError
from sim2real.configs.load import load_robot
from sim2real.model.loop_closure import CLOSED_MAX
from sim2real.model.model import build_model
from sim2real.new_robot.names import is_name, yaml_names

CASES = Path(__file__).parents[4] / "shared/cases/models"
TENDON = f"""<mujoco><worldbody>
  <body name="a"><joint name="base" axis="0 0 1"/>{LINK}<body name="p"><joint name="proximal" axis="0 1 0"/>{LINK}
    <body name="d"><joint name="distal" axis="0 1 0"/>{LINK}</body></body></body>
  <body name="toy" pos="1 0 0"><joint name="spin" axis="0 1 0"/>{LINK}</body>
  </worldbody>
  <tendon><fixed name="finger"><joint joint="proximal" coef="1"/><joint joint="distal" coef="1"/></fixed></tendon>
  <actuator><position joint="base"/><position name="pull" tendon="finger"/></actuator></mujoco>"""


def test_joints_of_tendons_and_undriven_joints_have_no_motor_and_are_named(tmp_path: Path) -> None:
    new = made(tmp_path, TENDON)
    assert new.config.joint_names == ("base",)
    assert "hinge joint 'proximal': tendon 'finger' drives it" in new.passive
    assert "hinge joint 'spin': no actuator drives it" in new.passive
    assert any("no motor replaces actuator 'pull' on tendon 'finger' (proximal, distal)" in line for line in new.checks)
    assert new.config.held == ("proximal", "distal")
    assert any("held where they start, because a tendon drives them" in line for line in new.checks)
    simulation = simulate(holding(new.config), 2)
    for _ in range(10):
        simulation.step(idle(simulation))
    fingers = [simulation.robot.model.joint(name).qposadr[0] for name in new.config.held]
    assert np.abs(simulation.batch.bind("qpos")[:, fingers]).max() < 0.02
    assert any("motors replace 1 of 2" in line for line in new.checks)


def test_a_model_whose_actuators_drive_no_joint_is_refused_with_them(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no actuator drives a joint.*'pull' on tendon 'finger'.*--joints"):
        made(tmp_path, TENDON.replace('<position joint="base"/>', ""))
    assert made(tmp_path, TENDON, joints=("distal",)).config.joint_names == ("distal",)


def test_followers_of_equalities_have_no_motor_whichever_end_they_are(tmp_path: Path) -> None:
    arms = "".join(f'<body name="{name}"><joint name="{name}" axis="0 1 0"/>{LINK}</body>' for name in ("a", "b"))
    for ends in ('joint1="a" joint2="b"', 'joint1="b" joint2="a"'):
        tie, drive = f"<equality><joint {ends}/></equality>", '<actuator><motor joint="b"/></actuator>'
        new = made(tmp_path, f"<mujoco><worldbody>{arms}</worldbody>{tie}{drive}</mujoco>")
        assert new.config.joint_names == ("b",)
        assert "hinge joint 'a': an equality ties it to 'b'" in new.passive
    new = made(tmp_path, f"<mujoco><worldbody>{arms}</worldbody>{tie}</mujoco>")  # no actuators: mimic joints of a URDF
    assert new.config.joint_names == ("a",)
    both = drive.replace("</actuator>", '<motor joint="a"/></actuator>')
    new = made(tmp_path, f"<mujoco><worldbody>{arms}</worldbody>{tie}{both}</mujoco>")
    assert any("they work against each other" in line for line in new.checks)


def test_two_actuators_on_a_joint_become_one_motor_and_are_named(tmp_path: Path) -> None:
    xml = biped().replace("</actuator>", '<velocity joint="left"/></actuator>')
    new = made(tmp_path, xml)
    assert new.config.joint_names == ("left", "right")
    assert any("several actuators of the model on one joint become one motor: left" in line for line in new.checks)


def test_a_joint_with_a_range_of_zero_has_no_motor(tmp_path: Path) -> None:
    new = made(tmp_path, biped().replace('name="left" axis="0 1 0" range="-60 60"', 'name="left" range="0 1e-9"'))
    assert new.config.joint_names == ("right",)
    assert "hinge joint 'left': its range is zero" in new.passive


def test_names_are_mapped_and_the_original_kept(tmp_path: Path) -> None:
    xml = biped().replace('"left"', '"left-hip:1"').replace('"right"', '"right/hip"').replace('"trunk"', '"my base"')
    new = made(tmp_path, xml)
    assert new.config.joint_names == ("left_hip_1", "right_hip")
    assert new.config.in_model("left_hip_1") == "left-hip:1"
    robot = load_robot(str(tmp_path / "robot.yaml"))
    assert (robot.imus["base"].body, robot.in_model("my_base")) == ("my_base", "my base")
    task = holding(robot, observation=[{"term": "joint_position"}, {"term": "projected_gravity"}])
    simulation = simulate(task, 2)
    assert simulation.transition.observation[0, 4] == pytest.approx(-1.0, abs=1e-3)


def test_names_stay_different_and_valid() -> None:
    names = ["a-b", "a_b", "a:b", "1", "é", "-", "a/b"]
    made_names = yaml_names(names)
    assert len(set(made_names.values())) == len(names)
    assert all(map(is_name, made_names.values()))
    assert made_names["a_b"] == "a_b"


def test_joints_without_a_name_get_one(tmp_path: Path) -> None:
    new = made(tmp_path, f'<mujoco><worldbody><body name="arm"><joint axis="0 1 0"/>{LINK}</body></worldbody></mujoco>')
    assert new.config.joint_names == ("arm_joint0",)
    assert build_model(holding(load_robot(str(tmp_path / "robot.yaml")))).model.njnt == 1


def test_the_keyframe_is_chosen_by_name(tmp_path: Path) -> None:
    sit, home = (
        f'<key name="{name}" qpos="0 0 .4 1 0 0 0 {angle} 0"/>' for name, angle in (("sit", 0.5), ("home", 0.1))
    )
    keys = f"<keyframe>{sit}{home}</keyframe>"
    assert made(tmp_path, biped(extra=keys)).config.start.keyframe == "home"
    sitting = made(tmp_path, biped(extra=keys), keyframe="sit").config
    assert sitting.start.keyframe == "sit"
    assert sitting.joints["left"].default_position == pytest.approx(0.5, abs=1e-6)
    with pytest.raises(UserError, match="no keyframe 'lie'; valid: sit, home"):
        made(tmp_path, biped(extra=keys), keyframe="lie")


def test_a_loop_that_starts_torn_is_closed_in_the_file(tmp_path: Path) -> None:
    torn = FOUR_BAR.replace("</mujoco>", '<keyframe><key name="home" qpos=".4 0 0"/></keyframe></mujoco>')
    new = made(tmp_path, torn)
    assert any("moved to close its loops" in line for line in new.checks)
    assert new.config.joints["crank"].default_position == pytest.approx(0.4, abs=1e-5)


@pytest.mark.parametrize(
    ("name", "motors"),
    [
        ("closed_loop/fourbar", ("driver",)),
        ("keyframe/quad", ("h1", "k1", "h2", "k2", "h3", "k3", "h4", "k4")),
        ("no_ground/quad_noground", ("hip",)),
        ("floor_in_body/robot", ("hip",)),
        ("gravcomp/flags", ("hip",)),
        ("tendon/tendon", ("base",)),
        ("names/names", ("left_hip",)),
    ],
)
def test_the_collected_cases_become_robots_that_hold_their_start_pose(name, motors, tmp_path) -> None:
    path = CASES / f"{name}.xml"
    if not path.is_file():
        pytest.skip(f"the collected cases are not there: {CASES}")
    robot = robot_of(tmp_path, path.read_text())
    assert robot.joint_names == motors
    simulation = simulate(holding(robot), 2)
    start, fastest = simulation.robot.start, 0.0
    assert start.closure.residual(start.qpos) <= CLOSED_MAX
    for _ in range(3):
        simulation.step(idle(simulation))
        fastest = max(fastest, float(np.abs(qvel(simulation)).max()))
    assert fastest < 2.0
