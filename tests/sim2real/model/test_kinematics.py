"""Laws of a robot's tip: the contract agrees with the model, or the robot is refused."""

import numpy as np
import pytest

from sim2real.configs.errors import UserError
from sim2real.configs.load import load_robot
from sim2real.configs.schema.robot import RobotConfig
from sim2real.model.kinematics_check import check_tip, tip_of_model
from sim2real.model.model import compile_spec, load_spec
from sim2real.runtime.contract.kinematics import Kinematics
from sim2real.runtime.contract.robot import robot_spec

LINKS = "shoulder_pan", "shoulder_lift", "elbow_flex", "wrist_flex", "wrist_roll"


def arm(*overrides: str) -> RobotConfig:
    return load_robot("so101", overrides)


def check(robot: RobotConfig) -> None:
    check_tip(compile_spec(load_spec(robot), robot), robot)


def test_the_tip_equals_the_site_of_the_model():
    robot = arm()
    model = compile_spec(load_spec(robot), robot)
    low, high = np.array([joint.position_limits for joint in robot.joints.values()]).T
    poses = np.random.default_rng(3).uniform(low, high, (200, len(low)))
    computed = Kinematics(robot_spec(robot), len(poses)).tip(poses)
    expected = np.array([tip_of_model(model, robot, pose) for pose in poses])
    np.testing.assert_allclose(computed, expected, atol=1e-9)
    assert np.ptp(computed, axis=0).min() > 0.3  # the poses cover the arm's reach


def test_rotated_link_frames_give_the_same_tip():
    """Frames need not be parallel: the wrist frame is rotated by a quarter turn about x, and the next one back."""
    half = 0.7071067811865476
    check(
        arm(
            f"tip.links.3.rotation=[{half}, {half}, 0, 0]",
            "tip.links.3.axis=[0, 0, -1]",
            f"tip.links.4.rotation=[{half}, {-half}, 0, 0]",
        )
    )


def test_a_frame_may_be_anywhere_on_its_joint_s_axis():
    check(arm("tip.links.3.position=[134.9 mm, 7 mm, 5.2 mm]", "tip.links.4.position=[61.1 mm, -7 mm, 0 mm]"))


def test_a_robot_without_a_tip_passes():
    robot = load_robot("pendulum")
    check_tip(compile_spec(load_spec(robot), robot), robot)
    with pytest.raises(UserError, match="has no `tip`"):
        tip_of_model(compile_spec(load_spec(robot), robot), robot, np.zeros(1))


@pytest.mark.parametrize("index", range(len(LINKS)))
@pytest.mark.parametrize("key", ["axis", "position"])
def test_the_first_wrong_link_is_named(index, key):
    tip = arm().tip
    assert tip is not None
    link = tip.links[index]
    if key == "axis":
        wrong, what = [-value for value in link.axis], "its axis points elsewhere"
    else:
        beside = np.cross(link.axis, [0.6, 0.0, 0.8] if abs(link.axis[1]) else [0.0, 1.0, 0.0])
        shifted = np.array(link.position) + 0.0005 * beside
        wrong, what = [f"{value * 1e3} mm" for value in shifted], "its axis is 0.5 mm beside the model's"
    texts = ", ".join(map(str, wrong))
    with pytest.raises(UserError, match=rf"first off: tip\.links\.{index} \(joint {LINKS[index]}\), {what}"):
        check(arm(f"tip.links.{index}.{key}=[{texts}]"))


def test_a_wrong_tip_position_after_the_last_joint_is_named():
    with pytest.raises(UserError, match=r"up to 0\.2 mm from site 'tip' of so101\.xml; first off: tip\.position"):
        check(arm("tip.position=[98.4 mm, 0 mm, -8 mm]"))


def test_a_tip_within_a_tenth_of_a_millimetre_passes():
    check(arm("tip.position=[98.25 mm, 0 mm, -8 mm]"))


def test_an_unknown_site_is_refused_with_the_valid_ones():
    with pytest.raises(UserError, match="no site 'finger' for its tip; valid: tip"):
        check(arm("tip.site=finger"))
