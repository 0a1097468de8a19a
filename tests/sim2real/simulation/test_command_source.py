"""Laws of commands in simulation: within their ranges, held as drawn, reachable, moving continuously."""

import numpy as np
import pytest
from worlds import fixed, idle, randomized, simulate

from sim2real.configs.load import load_task
from sim2real.configs.schema.task import TaskConfig
from sim2real.runtime.contract.kinematics import Kinematics
from sim2real.simulation.simulation import Simulation

RATE = 100.0


def walker(source: str) -> TaskConfig:
    commands = "commands={forward: {range: [-0.5, 1.0]}, turn: {range: [-2, 2]}}"
    return load_task("pendulum_swingup", (commands, f"command_source={source}"))


def test_commands_are_uniform_in_their_ranges() -> None:
    simulation = simulate(walker("{kind: uniform}"), 5000, seed=1)
    command = simulation.signals.command
    for column, (low, high) in enumerate(((-0.5, 1.0), (-2.0, 2.0))):
        values = (command[:, column] - low) / (high - low)
        assert 0.0 <= values.min() < 0.01
        assert 0.99 < values.max() <= 1.0
        assert abs(values.mean() - 0.5) < 0.015
    assert abs(np.corrcoef(command.T)[0, 1]) < 0.05


def test_without_a_hold_commands_stay_for_the_whole_episode() -> None:
    simulation = simulate(walker("{kind: uniform}"), 4, seed=1)
    before = simulation.signals.command.copy()
    for _ in range(50):
        simulation.step(idle(simulation))
    np.testing.assert_array_equal(simulation.signals.command, before)


def test_commands_are_held_for_as_long_as_drawn() -> None:
    simulation = simulate(walker("{kind: uniform, hold: [0.1 s, 0.3 s]}"), 80, seed=1)
    changes: list[list[int]] = [[] for _ in range(80)]
    for step in range(1, 150):
        before = simulation.signals.command.copy()
        simulation.step(idle(simulation))
        for who in np.flatnonzero((simulation.signals.command != before).any(axis=1)):
            changes[who].append(step)
    held = np.concatenate([np.diff([0, *each]) for each in changes]) / RATE
    assert held.min() == pytest.approx(0.1)
    assert held.max() == pytest.approx(0.3)
    assert abs(held.mean() - 0.2) < 0.01


def test_a_share_of_the_draws_is_all_zero() -> None:
    simulation = simulate(walker("{kind: uniform, hold: [0.1 s, 0.1 s], zero_share: 0.25}"), 2500, seed=1)
    zero = (simulation.signals.command == 0.0).all(axis=1)
    assert abs(zero.mean() - 0.25) < 0.02
    assert not (simulation.signals.command == 0.0).any(axis=1)[~zero].any()
    for _ in range(10):
        simulation.step(idle(simulation))
    again = (simulation.signals.command == 0.0).all(axis=1)
    assert abs(again.mean() - 0.25) < 0.02
    assert abs((again & zero).mean() - 0.0625) < 0.015


def test_commands_may_be_scaled_by_the_episode() -> None:
    simulation = simulate(walker("{kind: uniform}"), 2000, fixed("command_scale", 0.5), seed=1)
    command = simulation.signals.command
    assert 0.49 < command[:, 0].max() <= 0.5
    assert -0.25 <= command[:, 0].min() < -0.24


def test_a_step_rewards_the_old_command_and_observes_the_new_one() -> None:
    task = load_task(
        "pendulum_swingup",
        (
            "commands={forward: {range: [-1, 1]}}",
            "command_source={kind: uniform, hold: [0.05 s, 0.05 s]}",
            "observation=[{term: command}]",
        ),
    )
    simulation = simulate(task, 3, seed=1)
    for step in range(1, 12):
        asked = simulation.signals.command.copy()
        simulation.step(idle(simulation))
        np.testing.assert_allclose(simulation.transition.observation, simulation.signals.command, rtol=1e-6)
        assert bool((simulation.signals.command != asked).all()) is (step % 5 == 0)


# Tip targets


def reachable(task: TaskConfig, places: np.ndarray) -> np.ndarray:
    """Whether some pose within the joint limits reaches a tip position to a few millimetres (Gauss-Newton)."""
    robot = Simulation(task, randomized(), 1).contract.robot
    low = np.array([joint.position_min for joint in robot.joints])
    high = np.array([joint.position_max for joint in robot.joints])
    kinematics = Kinematics(robot, 4000)
    rng = np.random.default_rng(0)
    poses = rng.uniform(low, high, (4000, len(low)))
    tips = kinematics.tip(np.ascontiguousarray(poses)).copy()
    nearest = np.linalg.norm(tips[None] - places[:, None], axis=2).argmin(axis=1)
    pose = poses[nearest]
    for _ in range(40):
        tip = kinematics.tip(np.ascontiguousarray(pose)).copy()
        jacobian = np.zeros((len(places), 3, len(low)))
        for joint in range(len(low)):
            moved = pose.copy()
            moved[:, joint] += 1e-5
            jacobian[:, :, joint] = (kinematics.tip(moved) - tip) / 1e-5
        step = np.einsum("nji,nj->ni", np.linalg.pinv(jacobian.transpose(0, 2, 1), rcond=1e-3), places - tip)
        pose = np.clip(pose + 0.5 * step, low, high)
    return np.linalg.norm(kinematics.tip(np.ascontiguousarray(pose)) - places, axis=1) < 5e-3


@pytest.mark.parametrize("name", ["so101_reach", "so101_track"])
def test_tip_targets_are_reachable_and_within_the_ranges(name: str) -> None:
    task = load_task(name)
    simulation = simulate(task, 200, seed=1)
    places = simulation.signals.command.copy()
    low, high = np.array([command.range for command in task.commands.values()]).T
    assert ((places >= low) & (places <= high)).all()
    assert (np.ptp(places, axis=0) > 0.5 * (high - low)).all()  # spread over the ranges
    assert reachable(task, places[:60]).mean() > 0.97


def test_a_moving_target_never_jumps_and_is_as_fast_as_drawn() -> None:
    task = load_task("so101_track", ("command_source={kind: tip, speed: [0.05 m/s, 0.15 m/s]}",))
    simulation = simulate(task, 30, seed=1)
    low, high = np.array([command.range for command in task.commands.values()]).T
    speeds = []
    for _ in range(120):
        before = simulation.signals.command.copy()
        simulation.step(idle(simulation))
        speeds.append(np.linalg.norm(simulation.signals.command - before, axis=1) * task.control_rate)
        assert ((simulation.signals.command >= low) & (simulation.signals.command <= high)).all()
    speed = np.array(speeds)
    assert speed.max() <= 0.15 + 1e-9
    assert np.percentile(speed, 5) >= 0.05 - 1e-9  # slower only in the last step
    assert abs(np.median(speed) - 0.09) < 0.03


def test_a_jumping_target_is_constant_between_jumps() -> None:
    task = load_task("so101_reach", ("command_source={kind: tip, hold: [0.2 s, 0.2 s]}",))
    simulation = simulate(task, 5, seed=1)
    for step in range(1, 40):
        before = simulation.signals.command.copy()
        simulation.step(idle(simulation))
        assert bool((simulation.signals.command != before).any()) is (step % 10 == 0)


def test_a_target_with_zero_speed_does_not_move() -> None:
    task = load_task("so101_track", ("command_source={kind: tip, speed: [0 m/s, 0 m/s]}",))
    simulation = simulate(task, 3, seed=1)
    before = simulation.signals.command.copy()
    for _ in range(5):
        simulation.step(idle(simulation))
    np.testing.assert_array_equal(simulation.signals.command, before)


def test_the_tip_speed_of_a_new_episode_ignores_the_last_episode() -> None:
    """Once it was computed from the tip position at the end of the last episode."""
    task = load_task("so101_reach", ("reset.position=[-30 deg, 30 deg]", "reset.start_pose_share=0"))
    simulation = simulate(task, 8, seed=1)
    for _ in range(2):
        for _ in range(5):
            simulation.step(idle(simulation))
        simulation.begin(np.arange(8))
        width = 6
        np.testing.assert_allclose(simulation.transition.privileged[:, 3:width], 0.0, atol=1e-12)
        simulation.step(idle(simulation))
        assert np.abs(simulation.state.tip_velocity).max() < 1.0
