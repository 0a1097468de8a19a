"""Laws of how readings err: what is drawn for an episode holds for it, what is drawn for a tick does not."""

import numpy as np
from worlds import actions, fixed, pendulum, randomized, simulate, started

from sim2real.simulation import Simulation


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
