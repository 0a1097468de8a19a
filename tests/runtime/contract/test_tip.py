"""Laws of forward kinematics: a chain of rotations and offsets, the same for one robot and for any number."""

from pathlib import Path

import numpy as np
import pytest
from fake_robot import write_model
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from sim2real.configs.errors import UserError
from sim2real.configs.load import load_robot, load_task
from sim2real.configs.schema.command import TIP_COMMANDS
from sim2real.runtime.commands import inspect as inspect_command
from sim2real.runtime.contract.kinematics import Kinematics
from sim2real.runtime.contract.observation import ObservationPipeline
from sim2real.runtime.contract.robot import LinkSpec, RobotSpec, TipSpec, robot_spec
from sim2real.runtime.contract.signals import Signals
from sim2real.runtime.contract.spec import contract_of
from sim2real.runtime.emulation import lockstep
from sim2real.runtime.policy import ContractError, OnnxPolicy, check_robot
from sim2real.runtime.replay import replay
from sim2real.runtime.run_options import RunOptions
from sim2real.runtime.session import run_session

REACH = (
    "commands={tip_x: {range: [-1, 1]}, tip_y: {range: [-1, 1]}, tip_z: {range: [-1, 1]}}",
    "goal={kind: tip, distance: 12 mm, hold: 2 s}",
)


ARM = robot_spec(load_robot("so101"))


def chain(*links: tuple[tuple[float, ...], tuple[float, ...], tuple[float, ...]], tip: tuple[float, ...]) -> RobotSpec:
    """The arm with a tip behind its first joints: (position, axis, rotation) of each."""
    specs = tuple(
        LinkSpec(joint=ARM.joints[index].name, position=position, axis=axis, rotation=rotation)
        for index, (position, axis, rotation) in enumerate(links)
    )
    return ARM.model_copy(update={"tip": TipSpec(links=specs, position=tip)})


STRAIGHT = (1.0, 0.0, 0.0, 0.0)


def test_a_joint_turns_the_tip_about_its_axis_by_the_right_hand() -> None:
    kinematics = Kinematics(chain(((0.0, 0.0, 1.0), (0.0, 0.0, 1.0), STRAIGHT), tip=(0.5, 0.0, 0.0)), 1)
    position = np.zeros((1, 6))
    np.testing.assert_allclose(kinematics.tip(position), [[0.5, 0.0, 1.0]], atol=1e-15)
    position[0, 0] = np.pi / 2
    np.testing.assert_allclose(kinematics.tip(position), [[0.0, 0.5, 1.0]], atol=1e-15)


def test_an_arm_of_two_links_is_the_textbook_s() -> None:
    links = (((0.0, 0.0, 0.0), (0.0, 0.0, 1.0), STRAIGHT), ((0.3, 0.0, 0.0), (0.0, 0.0, 1.0), STRAIGHT))
    kinematics = Kinematics(chain(*links, tip=(0.2, 0.0, 0.0)), 50)
    position = np.random.default_rng(0).uniform(-3.0, 3.0, (50, 6))
    first, both = position[:, 0], position[:, 0] + position[:, 1]
    expected = np.stack(
        [0.3 * np.cos(first) + 0.2 * np.cos(both), 0.3 * np.sin(first) + 0.2 * np.sin(both), np.zeros(50)], axis=1
    )
    np.testing.assert_allclose(kinematics.tip(position), expected, atol=1e-15)


def turn(axis: np.ndarray, angle: float) -> np.ndarray:
    """Rotation matrix, as the exponential's series: nothing of the code under test."""
    x, y, z = axis
    generator = angle * np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    total, power = np.eye(3), np.eye(3)
    for order in range(1, 40):
        power = power @ generator / order
        total = total + power
    return total


def unit(rng: np.random.Generator, size: int) -> np.ndarray:
    vector = rng.normal(size=size)
    return vector / np.linalg.norm(vector)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), links=st.integers(1, 6))
def test_any_chain_is_its_product_of_rotations_and_offsets(seed: int, links: int) -> None:
    rng = np.random.default_rng(seed)
    parts, place, frame = [], np.zeros(3), np.eye(3)
    angles = rng.uniform(-np.pi, np.pi, 6)
    for index in range(links):
        offset, axis, about, by = rng.normal(size=3), unit(rng, 3), unit(rng, 3), rng.uniform(-np.pi, np.pi)
        quaternion = [np.cos(by / 2.0), *(np.sin(by / 2.0) * about)]
        parts.append((tuple(offset.tolist()), tuple(axis.tolist()), tuple(map(float, quaternion))))
        place = place + frame @ offset
        frame = frame @ turn(about, by) @ turn(axis, angles[index])
    tip = rng.normal(size=3)
    kinematics = Kinematics(chain(*parts, tip=tuple(tip.tolist())), 1)
    np.testing.assert_allclose(kinematics.tip(angles[None, :])[0], place + frame @ tip, atol=1e-11)


@settings(max_examples=40, deadline=None)
@given(n=st.integers(1, 1000), rows=st.integers(1, 1000), seed=st.integers(0, 1000))
def test_fewer_rows_than_there_is_room_for_give_the_same_bits(n: int, rows: int, seed: int) -> None:
    position = np.random.default_rng(seed).uniform(-3.0, 3.0, (min(rows, n), 6))
    many = Kinematics(ARM, n).tip(position)
    for row in {0, len(position) // 2, len(position) - 1}:
        assert many[row].tobytes() == Kinematics(ARM, 1).tip(position[row : row + 1].copy())[0].tobytes()


def test_a_robot_without_a_tip_is_refused() -> None:
    with pytest.raises(UserError, match="robot 'pendulum' has no `tip`"):
        Kinematics(robot_spec(load_robot("pendulum")), 1)


def observe(term: str, signals: Signals) -> list[float]:
    task = load_task("so101_hold", (*REACH, f"observation=[{{term: {term}}}]"))
    return ObservationPipeline(contract_of(task), 1).observe(signals, np.zeros((1, 6), np.float32))[0].tolist()


def test_tip_terms_are_the_tip_and_what_is_missing_to_the_target() -> None:
    signals = Signals.zeros(1, 6, 0, 3)
    signals.command[0] = 0.1, 0.2, 0.3
    signals.tip[0] = 0.01, 0.02, 0.03
    # All joints at zero: the lengths of the arm one after the other.
    straight = np.array([0.0388 + 0.0304 + 0.028 + 0.1349 + 0.0611 + 0.0982, 0.0, 0.0624 + 0.0542 + 0.1126 - 0.0028])
    assert observe("tip_position", signals) == pytest.approx(straight.tolist(), abs=1e-7)
    assert observe("tip_error", signals) == pytest.approx((np.array([0.1, 0.2, 0.3]) - straight).tolist(), abs=1e-7)
    assert observe("measured_tip_error", signals) == pytest.approx([0.09, 0.18, 0.27])


@pytest.mark.parametrize("term", ["tip_position", "tip_error", "measured_tip_error"])
def test_a_term_about_the_tip_of_a_robot_without_one_is_refused(term: str) -> None:
    with pytest.raises(UserError, match=f"'{term}' needs `tip`"):
        load_task("pendulum_swingup", (f"observation.0.term={term}",))


def test_a_policy_that_must_be_told_where_the_tip_is_runs_on_no_robot() -> None:
    task = load_task("so101_hold", (*REACH, "observation=[{term: measured_tip_error}]"))
    with pytest.raises(ContractError, match="'measured_tip_error', which no sensor of 'so101' measures"):
        check_robot(contract_of(task), task.robot)


def test_inspect_shows_the_tip_the_relative_action_and_the_goal(tmp_path: Path) -> None:
    overrides = ("observation=[{term: tip_error}]", "action.relative=true")
    contract = contract_of(load_task("so101_hold", (*REACH, *overrides)))
    model = write_model(tmp_path / "reach.onnx", contract, np.zeros((3, 6)), np.zeros(6))
    text = CliRunner().invoke(inspect_command.app, [str(model)]).stdout
    assert "link elbow_flex: at (0.028, 0, 0.1126) m, axis (0, 1, 0), rotation (1, 0, 0, 0)" in text
    assert "tip: at (0.0982, 0, -0.008) m" in text
    assert "relative to the last target" in text
    assert "goal             tip within 12 mm of the target for the last 2 s" in text


def test_an_arm_is_told_apart_from_one_with_another_hand() -> None:
    task = load_task("so101_hold", REACH)
    other = load_robot("so101", ("tip.position=[120 mm, 0 mm, 0 mm]",))
    with pytest.raises(ContractError, match=r"1 field differs from 'so101': tip.position: model \(0.0982, "):
        check_robot(contract_of(task), other)


def test_an_emulated_arm_reaches_the_tip_s_target_of_its_own_pose(tmp_path: Path) -> None:
    """The whole way: a policy over its wire protocol, the goal judged, the log replayed bit for bit."""
    overrides = ("observation=[{term: tip_error}, {term: last_action}]", "action.relative=true")
    goal = ("goal.hold=0.5 s", "goal.distance=30 mm")  # the arm sags by 2 cm
    task = load_task("so101_hold", (*REACH, *overrides, *goal))
    contract = contract_of(task)
    policy = OnnxPolicy(write_model(tmp_path / "reach.onnx", contract, np.zeros((9, 6)), np.zeros(6)))
    pose = np.array([[joint.default_position for joint in task.robot.joints.values()]])
    target = Kinematics(contract.robot, 1).tip(pose)[0]
    for shift, reached in ((0.0, True), (0.1, False)):
        commands = dict(zip(TIP_COMMANDS, (target + np.array([0.0, shift, 0.0])).tolist(), strict=True))
        world, log = lockstep(task.robot, plant="mujoco"), tmp_path / f"{reached}.mcap"
        options = RunOptions(duration=1.0, commands=commands, log=log, synchronous_log=True)
        report = run_session(policy, task.robot, world.hardware, world.clock, options)
        assert report.goal_reached is reached, report.distance[-50:]
        assert replay(log, policy).mismatches == ()
