"""Laws of scoring a recorded run: terms of the task's reward on what the robot measured, and none that it cannot."""

import numpy as np
import pytest

from sim2real.configs.errors import UserError
from sim2real.configs.load import load_task
from sim2real.runtime.contract.kinematics import Kinematics
from sim2real.runtime.contract.robot import robot_spec
from sim2real.runtime.contract.signals import Signals
from sim2real.task.score import score

REACH = (
    "commands={tip_x: {range: [-1, 1]}, tip_y: {range: [-1, 1]}, tip_z: {range: [-1, 1]}}",
    "goal={kind: tip, distance: 12 mm, hold: 2 s}",
    "rewards=[{term: tip_distance, weight: -2.0, scale: 0.1}, {term: tip_speed, weight: -1.0, scale: 0.5}]",
)


def test_a_pendulum_that_stands_still_at_its_goal_earns_the_whole_cosine() -> None:
    task = load_task("pendulum_swingup", ("rewards=[{term: goal_cosine, weight: 3.0}]",))
    signals = Signals.zeros(50, 1, 0, 0)
    signals.joint_position[:] = np.pi
    result = score(task, signals, np.zeros((50, 1)), np.zeros((50, 1), np.float32))
    assert result == pytest.approx(
        {"return": 150.0 / task.control_rate, "reward/goal_cosine": 150.0 / task.control_rate}
    )


def test_efforts_are_the_commanded_ones_where_the_policy_commands_effort_and_else_the_measured() -> None:
    rewards = "rewards=[{term: effort, weight: -1.0}]"
    for name, share in (("pendulum_swingup", 0.25), ("so101_hold", 6 * 0.04)):
        task = load_task(name, (rewards,))
        limit = np.array([joint.effort_limit for joint in task.robot.joints.values()])
        signals = Signals.zeros(10, len(limit), 0, 0)
        signals.joint_effort[:] = 0.2 * limit
        result = score(task, signals, np.tile(0.5 * limit, (10, 1)), np.zeros((10, len(limit)), np.float32))
        assert result["return"] == pytest.approx(-10.0 * share / task.control_rate)


def test_a_tip_is_scored_by_the_joint_positions() -> None:
    task = load_task("so101_hold", REACH)
    signals = Signals.zeros(3, 6, 0, 3)
    signals.joint_position[1:, 0] = 0.1  # the pan joint turns once, by a tenth of a radian
    tip = Kinematics(robot_spec(task.robot), 3).tip(signals.joint_position).copy()
    signals.command[:] = tip + np.array([0.03, 0.0, 0.04])
    result = score(task, signals, np.zeros((3, 6)), np.zeros((3, 6), np.float32))
    speed = np.linalg.norm(tip[1] - tip[0]) * task.control_rate
    assert result["reward/tip_distance"] == pytest.approx(-2.0 * 3 * 0.05 / 0.1 / task.control_rate)
    assert result["reward/tip_speed"] == pytest.approx(-((speed / 0.5) ** 2) / task.control_rate)
    assert result["return"] == pytest.approx(result["reward/tip_distance"] + result["reward/tip_speed"])


def test_terms_that_no_robot_measures_are_refused_by_name() -> None:
    rewards = "rewards=[{term: alive, weight: 1.0}, {term: base_height, weight: -1.0, scale: 0.2}]"
    task = load_task("quadruped_stand", (rewards,))
    with pytest.raises(UserError, match="task 'quadruped_stand': base_height cannot be scored without simulation"):
        score(task, Signals.zeros(1, 12, 1, 0), np.zeros((1, 12)), np.zeros((1, 12), np.float32))
