"""Laws of disturbances: pushes change velocity as drawn, wrenches scale with mass, adversaries perturb actions."""

import numpy as np
import pytest
from worlds import between, fixed, idle, pendulum, qpos, qvel, simulate

from sim2real.configs.errors import ConfigError
from sim2real.configs.load import load_task
from sim2real.configs.schema.task import TaskConfig
from sim2real.randomization.random_streams import RandomStreams
from sim2real.simulation.disturbance import Pushes, Wrenches
from sim2real.simulation.simulation import Simulation


def floating(*overrides: str) -> TaskConfig:
    """The quadruped without gravity and away from the ground: only disturbances move it."""
    return load_task("quadruped_stand", ("reset.position=[0 deg, 0 deg]", "terminations=[]", *overrides))


WEIGHTLESS = (fixed("gravity", 0.0),)


# Pushes


def pushed(n: int, interval: str, speed: str = "0.8 m/s", *overrides: str) -> Simulation:
    simulation = simulate(
        floating(*overrides), n, fixed("push_speed", speed), fixed("push_interval", interval), *WEIGHTLESS, seed=1
    )
    qpos(simulation)[:, 2] = 10.0
    return simulation


def pushes_on(simulation: Simulation) -> tuple[Pushes, RandomStreams]:
    """Pushes on the robots of a simulation that does not step, and their random numbers."""
    period = 1.0 / simulation.contract.control_rate
    pushes = Pushes(simulation.batch, simulation.robot, simulation.parameters, period)
    return pushes, RandomStreams(1, simulation.n)


def test_a_push_dies_away_by_halves_and_adds_up_to_what_was_drawn() -> None:
    simulation = pushed(300, "2 s")
    pushes, streams = pushes_on(simulation)
    given, before = np.zeros((300, 2)), np.zeros((300, 2))
    for _ in range(30):
        velocity = qvel(simulation)[:, :2].copy()
        pushes.apply(streams)
        change = qvel(simulation)[:, :2] - velocity
        new = change + pushes.pending - before  # the new push, beside the remaining one
        np.testing.assert_allclose(change, pushes.pending, atol=1e-12)  # half of it is applied, half remains
        assert np.abs(new).max() <= 0.8 + 1e-12
        given += new
        before = pushes.pending.copy()
    left = pushes.pending.copy()
    np.testing.assert_allclose(qvel(simulation)[:, :2] + left, given, atol=1e-9)
    assert np.abs(given).max() > 0.7
    np.testing.assert_array_equal(qvel(simulation)[:, 2:6], 0.0)  # horizontal only


def test_pushes_come_as_often_as_drawn_and_are_uniform() -> None:
    simulation = pushed(2000, "0.5 s")
    pushes, streams = pushes_on(simulation)
    speeds, before = [], np.zeros((2000, 2))
    for _ in range(50):  # a second
        pushes.apply(streams)
        new = 2.0 * pushes.pending - before
        speeds.append(new[np.abs(new).max(axis=1) > 1e-12])
        before = pushes.pending.copy()
    drawn = np.concatenate(speeds)
    assert abs(len(drawn) / 2000 - 2.0) < 0.1
    assert abs(drawn.mean()) < 0.03
    assert abs(drawn.std() - 0.8 / np.sqrt(3.0)) < 0.02


def test_a_new_episode_clears_the_push_of_the_last() -> None:
    simulation = pushed(50, "0.05 s", "0.8 m/s", "privileged=[disturbance]")
    pending = simulation.transition.privileged
    for _ in range(5):
        simulation.step(idle(simulation))
    assert np.abs(pending[:10]).max() > 0.1
    simulation.begin(np.arange(10))
    np.testing.assert_array_equal(pending[:10], 0.0)
    assert np.abs(pending[10:]).max() > 0.1


def test_zero_push_speed_gives_no_push() -> None:
    simulation = pushed(4, "0.05 s", speed="0 m/s")
    pushes, streams = pushes_on(simulation)
    for _ in range(10):
        pushes.apply(streams)
    np.testing.assert_array_equal(qvel(simulation)[:, :6], 0.0)


def test_a_speed_without_an_interval_is_refused() -> None:
    with pytest.raises(ConfigError, match="push_speed needs push_interval"):
        simulate(floating(), 1, fixed("push_speed", "1 m/s"))


# Wrenches


def wrenches_on(simulation: Simulation) -> tuple[Wrenches, RandomStreams]:
    """Wrenches on the robots of a simulation that does not step, and their random numbers."""
    period = 1.0 / simulation.contract.control_rate
    wrenches = Wrenches(simulation.batch, simulation.robot, simulation.parameters, period)
    return wrenches, RandomStreams(1, simulation.n)


def test_the_force_of_a_wrench_is_mass_times_an_acceleration_of_the_drawn_size() -> None:
    simulation = simulate(floating(), 400, fixed("wrench_acceleration", "2 m/s^2"), *WEIGHTLESS, seed=1)
    wrenches, streams = wrenches_on(simulation)
    for _ in range(60):
        wrenches.apply(streams)
    applied = simulation.batch.bind("xfrc_applied")
    model = simulation.batch.model
    np.testing.assert_array_equal(applied[:, 0], 0.0)  # the world
    force = applied[:, 1:, :3] / model.body_mass[1:, None]
    torque = applied[:, 1:, 3:] / model.body_inertia[1:]
    assert abs(force.mean()) < 0.1
    np.testing.assert_allclose(force.std(axis=(0, 2)), 2.0, atol=0.25)
    np.testing.assert_allclose(torque.std(axis=(0, 2)), 20.0, atol=2.5)


def test_wrenches_last_the_mean_time_and_change_together() -> None:
    simulation = simulate(floating(), 1000, fixed("wrench_acceleration", "2 m/s^2"), *WEIGHTLESS, seed=1)
    wrenches, streams = wrenches_on(simulation)
    applied, changes = simulation.batch.bind("xfrc_applied"), 0
    for _ in range(45):
        before = applied.copy()
        wrenches.apply(streams)
        changed = (applied != before)[:, 1:]
        whole = changed.all(axis=(1, 2))
        assert not changed[~whole].any()
        changes += int(whole.sum())
    assert abs(changes / 1000 / (45 * 0.02) - 1.0 / 0.3) < 0.15  # every 0.3 s


def test_other_bodies_and_new_episodes_have_no_wrench() -> None:
    simulation = simulate(
        floating(), 50, fixed("wrench_acceleration", "2 m/s^2", elements=["trunk", "rear_left_shank"]), seed=1
    )
    wrenches, streams = wrenches_on(simulation)
    for _ in range(60):
        wrenches.apply(streams)
    applied, model = simulation.batch.bind("xfrc_applied"), simulation.batch.model
    pulled = {model.body(body).name for body in np.flatnonzero(np.abs(applied).max(axis=(0, 2)))}
    assert pulled == {"trunk", "rear_left_shank"}
    simulation.begin(np.array([7]))
    np.testing.assert_array_equal(applied[7], 0.0)
    assert np.abs(applied[8]).max() > 0.0


# Adversary


def test_an_adversary_without_a_share_changes_nothing() -> None:
    runs = []
    for parameters in ([fixed("adversary_share", 0.0)], []):
        simulation = simulate(
            pendulum("reset.position=[9 deg, 9 deg]", "reset.velocity=[0 rad/s, 0 rad/s]"), 2, *parameters
        )
        for tick in range(20):
            simulation.step(np.full((2, 1), np.sin(tick), np.float32))
        runs.append(qpos(simulation).copy())
    np.testing.assert_array_equal(*runs)


def test_an_adversary_with_share_1_replaces_the_policy() -> None:
    runs = []
    for action in (-1.0, 1.0):
        task = pendulum("observation=[{term: joint_position}]")  # without the last action, which would reveal it
        simulation = simulate(task, 6, fixed("adversary_share", 1.0), seed=1)
        controls = []
        for _ in range(20):
            simulation.step(np.full((6, 1), action, np.float32))
            controls.append(simulation.batch.bind("ctrl").copy())
        runs.append(np.array(controls))
    np.testing.assert_allclose(runs[0], runs[1], atol=1e-12)
    steps = runs[0] / 0.6 * 15.0  # one of 31 values
    np.testing.assert_allclose(steps, np.rint(steps), atol=1e-5)
    assert len(np.unique(np.rint(steps))) > 5
    assert np.abs(steps).max() <= 15.0 + 1e-5


def test_a_share_mixes_policy_and_adversary() -> None:
    def control(share: float, action: float) -> np.ndarray:
        task = pendulum("observation=[{term: joint_position}]", "reset.velocity=[0 rad/s, 0 rad/s]")
        simulation = simulate(task, 6, fixed("adversary_share", share), seed=1)
        simulation.step(np.full((6, 1), action, np.float32))
        return simulation.batch.bind("ctrl").copy()

    np.testing.assert_allclose(control(0.3, 0.5), 0.7 * 0.6 * 0.5 + 0.3 * control(1.0, 0.0), atol=1e-6)


def test_each_episode_has_an_adversary_of_its_own() -> None:
    simulation = simulate(pendulum(), 3, between("adversary_share", 0.1, 0.2), seed=1)
    weights = simulation.state_dict()["actuation"]["adversary"]["first"]
    assert len(np.unique(weights)) == weights.size
    simulation.begin(np.array([1]))
    again = simulation.state_dict()["actuation"]["adversary"]["first"]
    assert (again[1] != weights[1]).all()
    np.testing.assert_array_equal(again[[0, 2]], weights[[0, 2]])


# Noise of actions


def test_action_noise_is_proportional_to_the_action_scale() -> None:
    n = 3000
    parameters = fixed("action_bias", 0.1), fixed("action_white", 0.05), fixed("action_gain", 0.2)
    simulation = simulate(pendulum(), n, *parameters, seed=1)
    control = simulation.batch.bind("ctrl")
    seen = []
    for action in (0.0, 0.0, 0.5):
        simulation.step(np.full((n, 1), action, np.float32))
        seen.append(control[:, 0] / 0.6)
    assert abs(seen[0].std() - np.hypot(0.1, 0.05)) < 0.006
    assert abs((seen[1] - seen[0]).std() - 0.05 * np.sqrt(2.0)) < 0.003
    assert abs((seen[2] - seen[1]).mean() - 0.5) < 0.01
    assert abs((seen[2] - seen[1]).std() - np.hypot(0.5 * 0.2, 0.05 * np.sqrt(2.0))) < 0.006
    # The last action is the policy's, without noise.
    np.testing.assert_array_equal(simulation.state.action, 0.5)
