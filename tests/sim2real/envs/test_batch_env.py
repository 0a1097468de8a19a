"""Laws of the environments: Gymnasium's checks, correct ends of episodes, correct success."""

import warnings

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode
from worlds import qpos, qvel

import sim2real.gymnasium  # noqa: F401 - registers the tasks
from sim2real.configs.load import load_randomization, load_task
from sim2real.envs.batch_env import BatchEnv
from sim2real.envs.single_env import SingleEnv

ENV = "sim2real/pendulum_swingup-v0"


def make(n: int = 4, *overrides: str, name: str = "none") -> BatchEnv:
    env = BatchEnv(
        load_task("pendulum_swingup", ("reset.start_pose_share=0", *overrides)), load_randomization(name), n, seed=3
    )
    env.reset_arrays(3)
    return env


@pytest.mark.parametrize("name", ["none", "pendulum"])
def test_gymnasiums_own_checks_pass(name: str) -> None:
    env = gymnasium.make(ENV, randomization=name)
    with warnings.catch_warnings():
        # Joint velocities are unbounded: Gymnasium warns, but its own MuJoCo environments do the same.
        warnings.filterwarnings("ignore", message=".*Box observation space (minimum|maximum) value is -?infinity.*")
        warnings.filterwarnings("ignore", message=".*render modes.*")
        check_env(env.unwrapped, skip_render_check=True)
    env.close()


def test_the_vector_environment_has_gymnasiums_interface() -> None:
    env = gymnasium.make_vec(ENV, num_envs=3, randomization="pendulum")
    assert env.metadata["autoreset_mode"] is AutoresetMode.SAME_STEP
    observation, info = env.reset(seed=7)
    assert env.observation_space.contains(observation)
    assert info == {}
    again, _ = env.reset(seed=7)
    np.testing.assert_array_equal(observation, again)
    env.action_space.seed(0)
    stepped = env.step(env.action_space.sample())
    assert [part.shape for part in stepped[:4]] == [(3, 5), (3,), (3,), (3,)]
    assert stepped[1].dtype == np.float64
    env.close()


def test_single_and_vector_environment_agree() -> None:
    task, randomization = load_task("pendulum_swingup"), load_randomization("pendulum")
    single = SingleEnv(task, randomization)
    vector = BatchEnv(task, randomization, 1)
    observation, _ = single.reset(seed=2)
    np.testing.assert_array_equal(observation, vector.reset(seed=2)[0][0])
    rng = np.random.default_rng(0)
    for _ in range(200):
        action = rng.uniform(-1, 1, 1).astype(np.float32)
        alone, batched = single.step(action), vector.step(action[None])
        np.testing.assert_array_equal(alone[0], batched[0][0])
        assert alone[1] == batched[1][0]


def test_a_time_limit_truncates_and_shows_the_true_last_observation() -> None:
    env = make(3, "episode_duration=0.5 s")
    action = np.zeros((3, 1), np.float32)
    for _ in range(49):
        out = env.step_arrays(action)
        assert not out.truncated.any()
        np.testing.assert_array_equal(out.observation, out.final_observation)
    position = qpos(env.simulation).copy()
    out = env.step_arrays(action)
    assert out.truncated.all()
    assert not out.terminated.any()
    # The last reading and the state before the last tick differ by at most half a physics step of motion.
    assert (np.abs(out.final_observation[:, 0] / 0.1 - position[:, 0]) < 0.2).all()
    assert not np.allclose(out.observation, out.final_observation)
    finished = env.episodes.drain()
    assert finished["length"].tolist() == [50, 50, 50]
    assert env.episodes.drain()["return"].size == 0


def test_beyond_the_position_limits_an_episode_terminates_with_its_penalty() -> None:
    env = make(2)
    qpos(env.simulation)[1] = np.deg2rad(545.0)
    out = env.step_arrays(np.zeros((2, 1), np.float32))
    assert out.terminated.tolist() == [False, True]
    assert not out.truncated.any()
    assert out.reward[1] < -4.9
    assert abs(qpos(env.simulation)[1, 0]) <= np.pi + 0.1


def test_gymnasium_gets_final_observations_of_ended_episodes_only() -> None:
    env = make(2)
    qpos(env.simulation)[1] = np.deg2rad(545.0)
    _, _, terminated, _, info = env.step(np.zeros((2, 1), np.float32))
    assert terminated.tolist() == [False, True]
    assert info["_final_obs"].tolist() == [False, True]
    assert info["final_obs"][0] is None
    assert info["final_obs"][1].shape == (5,)


def test_reward_terms_are_counted_one_by_one_and_add_up() -> None:
    env = make(8, "episode_duration=0.3 s", name="pendulum")
    rng = np.random.default_rng(1)
    total = np.zeros(8)
    for _ in range(30):
        total += env.step_arrays(rng.uniform(-1, 1, (8, 1)).astype(np.float32)).reward
    finished = env.episodes.drain()
    terms = [finished[key] for key in finished if key.startswith("reward/")]
    np.testing.assert_allclose(np.sum(terms, axis=0), finished["return"])
    np.testing.assert_allclose(finished["return"], total, rtol=1e-5)
    assert set(finished) >= {"reward/goal_cosine", "reward/effort"}


@pytest.mark.parametrize(("leave_at", "success"), [(None, 1.0), (40, 1.0), (60, 0.0), (99, 0.0)])
def test_success_is_an_unbroken_hold_at_the_end_of_a_full_episode(leave_at: int | None, success: float) -> None:
    env = make(1, "episode_duration=1 s", "goal.hold=0.5 s")
    for tick in range(100):
        # The goal is 180 degrees; the state is set directly, so that only the bookkeeping is tested.
        qpos(env.simulation)[0] = 0.0 if tick == leave_at else np.pi
        qvel(env.simulation)[0] = 0.0
        env.step_arrays(np.zeros((1, 1), np.float32))
    assert env.episodes.drain()["success"].tolist() == [success]


def test_the_hanging_arm_cannot_be_lifted_by_its_motor_alone() -> None:
    env = make(1, "reset.position=[0 deg, 0 deg]", "reset.velocity=[0 rad/s, 0 rad/s]")
    highest = 0.0
    for _ in range(500):
        env.step_arrays(np.ones((1, 1), np.float32))
        highest = max(highest, abs(float(qpos(env.simulation)[0, 0])))
    assert np.deg2rad(20) < highest < np.deg2rad(120)
