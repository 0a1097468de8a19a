"""Laws of timing in simulation: latency, polling, jitter and loss of actions and readings."""

from typing import Any

import numpy as np
import pytest
from worlds import actions, at_rest, fixed, idle, pendulum, qpos, qvel, simulate

from sim2real.configs.load import load_task


@pytest.mark.parametrize("latency_ms", [2, 4, 8, 14, 30])
def test_an_observation_is_as_old_as_its_latency_to_the_physics_step(latency_ms: int) -> None:
    slow = simulate(pendulum(), 3, fixed("joint_latency", f"{latency_ms} ms"), seed=4)
    # True values at every physics step, from the same simulation stepped one physics step at a time.
    fine = simulate(pendulum("control_rate=500 Hz"), 3, seed=4)
    qpos(fine)[:], qvel(fine)[:] = qpos(slow), qvel(slow)
    truth, per_tick, age = [], 5, round(latency_ms / 2)
    rng = np.random.default_rng(0)
    for tick in range(1, 21):
        action = actions(rng, 3)
        for _ in range(per_tick):
            truth.append(qpos(fine).copy())
            fine.step(action)
        slow.step(action)
        if tick * per_tick >= age:
            np.testing.assert_array_equal(slow.signals.joint_position, truth[tick * per_tick - age])


@pytest.mark.parametrize(("latency_ms", "steps"), [(0, 0), (2, 1), (4, 2), (8, 4)])
def test_an_action_acts_after_its_latency_to_the_physics_step(latency_ms: int, steps: int) -> None:
    simulation = simulate(at_rest("0 deg", "control_rate=500 Hz"), 1, fixed("action_latency", f"{latency_ms} ms"))
    moved = []
    for _ in range(8):
        simulation.step(np.ones((1, 1), np.float32))
        moved.append(bool(qvel(simulation)[0, 0] != 0.0))
    assert moved.index(True) == steps


@pytest.mark.parametrize(("latency_ms", "ends"), [(3, (1, 2)), (0.5, (0, 1)), (7.4, (3, 4))])
def test_a_latency_between_two_physics_steps_is_exact_in_the_mean(latency_ms: float, ends: tuple[int, int]) -> None:
    n = 400
    simulation = simulate(
        at_rest("0 deg", "control_rate=500 Hz"), n, fixed("action_latency", f"{latency_ms} ms"), seed=2
    )
    steps = np.full(n, -1)
    for step in range(8):
        simulation.step(np.ones((n, 1), np.float32))
        steps[(steps < 0) & (qvel(simulation)[:, 0] != 0.0)] = step
    assert set(steps.tolist()) == set(ends)
    assert abs(2.0 * steps.mean() - latency_ms) < 0.15


def test_the_age_of_a_reading_is_exact_in_the_mean() -> None:
    late = fixed("joint_latency", "5 ms")
    simulation = simulate(at_rest("90 deg", "control_rate=500 Hz"), 400, late, seed=3)
    truth = []
    for _ in range(6):
        truth.append(qpos(simulation)[:, 0].copy())
        simulation.step(idle(simulation))
    seen = simulation.signals.joint_position[:, 0]
    old, new = (seen == truth[-3]).mean(), (seen == truth[-2]).mean()
    assert old + new == 1.0
    assert abs(6.0 * old + 4.0 * new - 5.0) < 0.15


# Polling


def readings_of_every_physics_step(
    steps: int, *parameters: dict[str, Any], n: int = 3
) -> tuple[np.ndarray, np.ndarray]:
    """Joint readings after every physics step, and true values before the first and after every step, (steps, n)."""
    simulation = simulate(pendulum("control_rate=500 Hz"), n, *parameters, seed=4)
    truth, readings = [qpos(simulation)[:, 0].copy()], []
    rng = np.random.default_rng(0)
    for _ in range(steps):
        simulation.step(actions(rng, n))
        truth.append(qpos(simulation)[:, 0].copy())
        readings.append(simulation.signals.joint_position[:, 0].copy())
    return np.array(readings), np.array(truth)


def phase_of(readings: np.ndarray, truth: np.ndarray, interval: int, latency: int) -> int:
    """Return the physics step, modulo the interval, of all polls of a simulation."""

    def expected(phase: int) -> np.ndarray:
        seen = np.arange(1, len(readings) + 1) - latency
        polled = (seen - phase) // interval * interval + phase
        return truth[np.maximum(polled, 0)]

    phases = [phase for phase in range(interval) if np.array_equal(readings, expected(phase))]
    assert len(phases) == 1
    return phases[0]


@pytest.mark.parametrize("latency_steps", [1, 2, 5])
@pytest.mark.parametrize("interval_steps", [2, 3, 10])
def test_a_polled_reading_changes_once_per_interval_and_is_delayed(interval_steps: int, latency_steps: int) -> None:
    readings, truth = readings_of_every_physics_step(
        45,
        fixed("joint_interval", f"{2 * interval_steps} ms"),
        fixed("joint_latency", f"{2 * latency_steps} ms"),
    )
    for reading, place in zip(readings.T, truth.T, strict=True):
        phase_of(reading, place, interval_steps, latency_steps)


def test_episodes_are_polled_in_every_phase_of_the_interval() -> None:
    readings, truth = readings_of_every_physics_step(
        30, fixed("joint_interval", "10 ms"), fixed("joint_latency", "2 ms"), n=64
    )
    phases = [phase_of(reading, place, 5, 1) for reading, place in zip(readings.T, truth.T, strict=True)]
    assert np.bincount(phases, minlength=5).min() >= 6  # of 12.8 each


def test_without_latency_a_polled_reading_has_the_minimum_age() -> None:
    readings, truth = readings_of_every_physics_step(30, fixed("joint_interval", "8 ms"))
    for reading, place in zip(readings.T, truth.T, strict=True):
        phase_of(reading, place, 4, 1)


def test_a_zero_interval_polls_at_every_step() -> None:
    interval = {"parameter": "joint_interval", "distribution": "categorical", "values": ["0 ms", "20 ms"]}
    simulation = simulate(pendulum("control_rate=500 Hz"), 8, interval, seed=4)
    often = simulation.parameters.values[:, 0] == 0.0
    assert 0 < often.sum() < 8
    changed = np.zeros(8, np.int64)
    for _ in range(40):
        before = simulation.signals.joint_position[:, 0].copy()
        simulation.step(np.ones((8, 1), np.float32))
        changed += simulation.signals.joint_position[:, 0] != before
    assert (changed[often] == 39).all()  # the first is from the start of the episode
    assert (changed[~often] == 4).all()


def test_all_readings_of_a_joint_are_polled_at_once() -> None:
    simulation = simulate(pendulum(), 2, fixed("joint_interval", "30 ms"), seed=1)
    for step in range(12):
        before = simulation.signals.joint_position.copy(), simulation.signals.joint_velocity.copy()
        simulation.step(np.ones((2, 1), np.float32))
        after = simulation.signals.joint_position, simulation.signals.joint_velocity
        same = [np.array_equal(old, new) for old, new in zip(before, after, strict=True)]
        assert same[0] == same[1], step


def test_a_new_episode_has_a_new_poll_phase() -> None:
    parameters = fixed("joint_interval", "40 ms"), fixed("joint_latency", "12 ms")
    simulation = simulate(pendulum(), 40, *parameters, seed=1)
    firsts = []
    for _ in range(2):
        start = qpos(simulation)[:, 0].copy()
        np.testing.assert_array_equal(simulation.signals.joint_position[:, 0], start)
        changed = []
        for _ in range(12):
            before = simulation.signals.joint_position[:, 0].copy()
            simulation.step(np.ones((40, 1), np.float32))
            changed.append(simulation.signals.joint_position[:, 0] != before)
        of_each = [np.flatnonzero(column) + 1 for column in np.array(changed).T]
        # A poll within 40 ms of the start arrives 12 ms later, in steps of 10 ms; then every fourth step has a poll.
        assert all(2 <= steps[0] <= 6 for steps in of_each)
        assert all((np.diff(steps) == 4).all() for steps in of_each)
        firsts.append([int(steps[0]) for steps in of_each])
        simulation.begin(np.arange(40))
    assert firsts[0] != firsts[1]
    assert len(set(firsts[0])) > 2


# Jitter


def test_control_periods_are_longer_by_the_mean_excess_and_never_shorter() -> None:
    simulation = simulate(pendulum(), 400, fixed("period_jitter", 0.1), seed=1)
    time = simulation.batch.bind("time")
    lengths = []
    for _ in range(50):
        before = time.copy()
        simulation.step(idle(simulation))
        lengths.append(time - before)
    excess = np.array(lengths).ravel() / 0.01 - 1.0
    assert excess.min() >= -1e-12
    assert abs(excess.mean() - 0.1) < 0.004
    assert abs(excess.std() - 0.1) < 0.006  # exponential: standard deviation equals mean
    assert abs(np.corrcoef(excess[:-400], excess[400:])[0, 1]) < 0.03


def test_zero_jitter_changes_nothing() -> None:
    steady, jittered = (
        simulate(at_rest("50 deg"), 2, *parameters, seed=1) for parameters in ([], [fixed("period_jitter", 0.0)])
    )
    for _ in range(5):
        for simulation in (steady, jittered):
            simulation.step(np.ones((2, 1), np.float32))
    np.testing.assert_array_equal(qpos(steady), qpos(jittered))


# Losses


def test_a_lost_command_keeps_the_last_one() -> None:
    simulation = simulate(at_rest("0 deg"), 500, fixed("action_loss", 0.25), seed=1)
    control = simulation.batch.bind("ctrl")
    lost = 0
    for tick in range(1, 41):
        before = control.copy()
        simulation.step(np.full((500, 1), tick / 100.0, np.float32))
        arrived = np.isclose(control[:, 0], 0.6 * tick / 100.0, rtol=1e-6)
        np.testing.assert_array_equal(control[~arrived], before[~arrived])
        lost += int((~arrived).sum())
    assert abs(lost / 20_000 - 0.25) < 0.012


def test_a_lost_reading_repeats_the_last_one_of_all_its_kinds() -> None:
    parameters = fixed("reading_loss", 0.3), fixed("joint_position_white", "1 deg")
    simulation = simulate(pendulum(), 500, *parameters, seed=1)
    lost, together = 0, True
    for _ in range(40):
        before = simulation.signals.joint_position.copy(), simulation.signals.joint_velocity.copy()
        simulation.step(idle(simulation))
        repeated = simulation.signals.joint_position == before[0]
        lost += int(repeated.sum())
        together &= bool(np.array_equal(simulation.signals.joint_velocity == before[1], repeated))
    assert abs(lost / 20_000 - 0.3) < 0.013
    assert together


@pytest.mark.parametrize(("loss", "moves"), [(0.0, True), (1.0, False)])
def test_loss_may_be_0_or_1(loss: float, moves: bool) -> None:
    simulation = simulate(at_rest("0 deg"), 2, fixed("action_loss", loss), fixed("reading_loss", loss))
    for _ in range(5):
        simulation.step(np.ones((2, 1), np.float32))
    assert bool(qpos(simulation)[0, 0] != 0.0) is moves
    assert bool(simulation.signals.joint_position[0, 0] != 0.0) is moves


# Latencies of other readings


@pytest.mark.parametrize("latency_steps", [1, 2, 9])
def test_a_tip_reading_is_as_old_as_its_latency_and_the_first_is_of_the_start(latency_steps: int) -> None:
    start = ("reset.position=[5 deg, 5 deg]", "reset.start_pose_share=0", "control_rate=200 Hz")
    task = load_task("so101_reach_camera", start)
    latency = fixed("tip_latency", f"{5 * latency_steps} ms")
    late, now = (simulate(task, 2, *parameters) for parameters in ([latency], []))
    np.testing.assert_array_equal(late.signals.tip, now.signals.tip)
    seen = [now.signals.tip.copy()]
    for step in range(1, 25):
        for simulation in (late, now):
            simulation.step(np.full((2, 6), 0.8, np.float32))
        seen.append(now.signals.tip.copy())
        expected = seen[max(0, step - latency_steps + 1)]
        np.testing.assert_array_equal(late.signals.tip, expected, err_msg=str(step))
    assert np.abs(seen[-1] - seen[0]).max() > 0.01
