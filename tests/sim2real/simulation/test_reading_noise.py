"""Laws of reading errors: some are constant over an episode, others change every tick."""

import numpy as np
import pytest
from worlds import actions, fixed, pendulum, randomized, simulate, started

from sim2real.configs.load import load_task
from sim2real.model.model import JOINT_GROUPS
from sim2real.simulation.simulation import Simulation


def test_correlated_noise_holds_for_an_episode_and_white_noise_for_a_tick() -> None:
    n = 4000
    noise = (
        fixed("joint_position_bias", "0.1 rad"),
        fixed("joint_position_white", "0.02 rad"),
        fixed("joint_velocity_gain", 0.05),
    )
    simulation = simulate(pendulum(), n, *noise, seed=3)
    truth = simulation.batch.bind("sensordata")
    errors, gains = [], []
    for _ in range(3):
        simulation.step(np.zeros((n, 1), np.float32))
        errors.append(simulation.signals.joint_position[:, 0] - truth[:, 0])
        moving = np.abs(truth[:, 1]) > 0.1
        gains.append((simulation.signals.joint_velocity[moving, 0] / truth[moving, 1])[:2000])
    bias = np.mean(errors, axis=0)
    assert abs(np.std(bias) - np.hypot(0.1, 0.02 / np.sqrt(3))) < 0.005
    assert abs(np.std(errors[0] - errors[1]) - 0.02 * np.sqrt(2)) < 0.002
    assert abs(np.std(gains[0]) - 0.05) < 0.005
    first_bias = errors[0]
    simulation.begin(np.arange(n))
    simulation.step(np.zeros((n, 1), np.float32))
    again = simulation.signals.joint_position[:, 0] - truth[:, 0]
    assert abs(np.corrcoef(first_bias, again)[0, 1]) < 0.1


def test_quantised_readings_are_whole_register_counts() -> None:
    simulation = started(Simulation(pendulum(), randomized(quantize=True), 16, seed=2))
    rng = np.random.default_rng(1)
    for _ in range(20):
        simulation.step(actions(rng, 16))
    counts = simulation.signals.joint_position * 4096 / (2 * np.pi)
    np.testing.assert_allclose(counts, np.rint(counts), atol=1e-6)
    speed = simulation.signals.joint_velocity / (0.229 * 2 * np.pi / 60)
    np.testing.assert_allclose(speed, np.rint(speed), atol=1e-6)
    current = simulation.state.effort / (4.1 / 2.3 * 2.69e-3)
    np.testing.assert_allclose(current, np.rint(current), atol=1e-6)


@pytest.mark.parametrize("kind", ["joint_position", "joint_velocity", "joint_effort"])
def test_each_kind_of_reading_has_errors_of_its_own(kind: str) -> None:
    unit = {"joint_position": "rad", "joint_velocity": "rad/s", "joint_effort": "N*m"}[kind]
    task = pendulum("observation=[{term: joint_position}, {term: joint_velocity}, {term: joint_effort}]")
    n, bias, white, gain = 3000, 0.2, 0.1, 0.3
    noise = (
        fixed(f"{kind}_bias", f"{bias} {unit}"),
        fixed(f"{kind}_white", f"{white} {unit}"),
        fixed(f"{kind}_gain", gain),
    )
    simulation = simulate(task, n, *noise, seed=3)
    truth = simulation.batch.bind("sensordata")
    columns = {name: int(simulation.robot.sensors[name][0]) for name in JOINT_GROUPS}
    errors = []
    for action in (0.8, 0.8):
        simulation.step(np.full((n, 1), action, np.float32))
        for other in set(columns) - {kind}:
            np.testing.assert_array_equal(getattr(simulation.signals, other)[:, 0], truth[:, columns[other]])
        own = truth[:, columns[kind]].copy()
        errors.append((getattr(simulation.signals, kind)[:, 0] - own, own))
    error, own = errors[0]
    expected = np.sqrt(bias**2 + white**2 + gain**2 * np.mean(own**2))
    assert error.std() == pytest.approx(expected, rel=0.05)
    assert abs((errors[1][0] - error).mean()) < 0.02


def test_the_measured_tip_has_the_drawn_errors() -> None:
    n = 1500
    noise = fixed("tip_bias", "3 mm"), fixed("tip_white", "1 mm")
    simulation = simulate(load_task("so101_reach_camera"), n, *noise, seed=1)
    truth = simulation.robot.true_tip
    assert truth is not None
    sensors = simulation.batch.bind("sensordata")
    errors = []
    for _ in range(2):
        simulation.step(np.zeros((n, 6), np.float32))
        errors.append(simulation.signals.tip.reshape(n, 3) - sensors[:, truth])
    np.testing.assert_allclose(errors[0].std(axis=0), np.hypot(0.003, 0.001), rtol=0.06)
    np.testing.assert_allclose((errors[1] - errors[0]).std(axis=0), 0.001 * np.sqrt(2.0), rtol=0.06)


def test_readings_without_noise_are_the_truth() -> None:
    simulation = simulate(
        pendulum(), 3, fixed("joint_position_white", "0 rad"), fixed("joint_velocity_bias", "0 rad/s")
    )
    truth = simulation.batch.bind("sensordata")
    simulation.step(np.ones((3, 1), np.float32))
    np.testing.assert_array_equal(simulation.signals.joint_position[:, 0], truth[:, 0])
    np.testing.assert_array_equal(simulation.signals.joint_velocity[:, 0], truth[:, 1])
