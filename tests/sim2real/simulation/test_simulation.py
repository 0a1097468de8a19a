"""Laws of the simulation: episodes are independent of earlier ones, of batch size and threads, and resume exactly."""

import numpy as np
import pytest
from worlds import actions, at_rest, fixed, pendulum, qpos, qvel, randomized, simulate, started

from sim2real.configs.load import load_randomization, load_task
from sim2real.envs.batch_env import BatchEnv
from sim2real.plant import MujocoPlant
from sim2real.simulation.simulation import Simulation


def test_a_reset_leaves_no_command_and_no_reading_of_the_last_episode() -> None:
    late = fixed("action_latency", "8 ms"), fixed("joint_latency", "10 ms")
    config = at_rest("60 deg")
    simulation = simulate(config, 2, *late, seed=1)
    first = simulation.transition.observation.copy()
    np.testing.assert_allclose(first[:, 0], np.deg2rad(60.0) * 0.1, rtol=1e-6)
    for _ in range(30):
        simulation.step(np.ones((2, 1), np.float32))
    simulation.begin(np.array([1]))
    np.testing.assert_array_equal(simulation.transition.observation[1], first[1])
    assert not np.array_equal(simulation.transition.observation[0], first[0])
    fresh = simulate(config, 1, *late, seed=1)
    for _ in range(5):
        simulation.step(np.zeros((2, 1), np.float32))
        fresh.step(np.zeros((1, 1), np.float32))
        np.testing.assert_array_equal(qpos(simulation)[1], qpos(fresh)[0])
        np.testing.assert_array_equal(simulation.transition.observation[1], fresh.transition.observation[0])


@pytest.mark.parametrize("name", ["none", "pendulum"])
def test_trajectories_do_not_depend_on_threads(name: str) -> None:
    runs = []
    for threads in (1, 2):
        env = BatchEnv(load_task("pendulum_swingup"), load_randomization(name), 64, threads=threads)
        env.reset_arrays(11)
        rng = np.random.default_rng(2)
        env.episodes.length[:] = 995  # some episodes end in between
        runs.append(b"".join(env.step_arrays(actions(rng, 64)).observation.tobytes() for _ in range(40)))
    assert runs[0] == runs[1]


def test_a_simulation_resumes_bit_for_bit() -> None:
    config = load_task("pendulum_swingup", ("observation.0.history=3", "action.smoothing=0.2"))

    def fresh() -> BatchEnv:
        env = BatchEnv(config, load_randomization("pendulum"), 16, seed=5)
        env.reset_arrays(5)
        env.episodes.length[:] = np.arange(960, 976)
        return env

    def run(env: BatchEnv, rng: np.random.Generator, steps: int) -> list[bytes]:
        seen = []
        for _ in range(steps):
            out = env.step_arrays(actions(rng, 16))
            seen.append(out.observation.tobytes() + out.reward.tobytes() + out.terminated.tobytes())
        return seen

    whole = fresh()
    rng = np.random.default_rng(0)
    run(whole, rng, 30)
    saved, rng_state = whole.state_dict(), rng.bit_generator.state
    expected = run(whole, rng, 30)
    resumed = BatchEnv(config, load_randomization("pendulum"), 16, seed=77)
    resumed.load_state_dict(saved)
    rng.bit_generator.state = rng_state
    assert run(resumed, rng, 30) == expected


def test_the_plant_behind_the_emulator_moves_like_the_batch() -> None:
    config = at_rest("40 deg", "physics.timestep=1 ms")
    simulation = simulate(config, 1)
    plant = MujocoPlant(config.robot)
    plant.data.qpos[:] = np.deg2rad(40.0)
    rng = np.random.default_rng(0)
    for _ in range(100):
        action = actions(rng, 1)
        simulation.step(action)
        for _ in range(10):
            plant.step(np.array([0.6 * float(action[0, 0])]))
        np.testing.assert_allclose(plant.position, qpos(simulation)[0], atol=1e-9)
        np.testing.assert_allclose(plant.velocity, qvel(simulation)[0], atol=1e-7)


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_a_share_of_episodes_begins_at_rest_in_the_start_pose(share: float) -> None:
    config = pendulum(f"reset.start_pose_share={share}", "reset.position=[120 deg, 180 deg]")
    simulation = started(Simulation(config, randomized(), 2000, seed=3))
    tolerance = config.robot.ready.tolerance
    resting = (np.abs(qpos(simulation)[:, 0]) <= tolerance) & (qvel(simulation)[:, 0] == 0.0)
    assert abs(resting.mean() - share) < 0.03
    elsewhere = qpos(simulation)[~resting, 0]
    assert ((elsewhere >= np.deg2rad(120)) & (elsewhere <= np.pi)).all()
