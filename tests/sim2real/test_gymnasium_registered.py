"""Laws of the environments registered with Gymnasium: its checks pass."""

import warnings
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode

import sim2real.gymnasium  # noqa: F401 - registers the tasks
from sim2real.configs.errors import UserError
from sim2real.reference.env import ReferenceEnv
from sim2real.reference.tasks import TASKS

OURS = sorted(name for name in gymnasium.registry if name.startswith("sim2real/"))


def test_every_shipped_task_and_gymnasiums_own_are_registered() -> None:
    assert "sim2real/pendulum_swingup-v0" in OURS
    assert {f"sim2real/{task}" for task in TASKS} <= set(OURS)


@pytest.mark.parametrize("name", OURS)
def test_gymnasiums_own_checks_pass(name: str) -> None:
    with warnings.catch_warnings():
        # Velocities are unbounded, as in Gymnasium's own environments; HalfCheetah's model has an old attribute.
        warnings.filterwarnings("ignore", message=".*Box observation space (minimum|maximum) value is -?infinity.*")
        warnings.filterwarnings("ignore", message=".*render modes.*")
        warnings.filterwarnings("ignore", message=".*settotalmass.*")
        # InvertedPendulum's actions and rewards are Gymnasium's.
        warnings.filterwarnings("ignore", message=".*symmetric and normalized space.*")
        env = gymnasium.make(name)
        check_env(env.unwrapped, skip_render_check=True)
    env.close()


@pytest.mark.parametrize("name", OURS)
def test_vectors_of_every_environment_are_one_batch_with_the_same_spaces(name: str) -> None:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*settotalmass.*")
        single = gymnasium.make(name)
    envs: Any = gymnasium.make_vec(name, num_envs=3)
    assert envs.unwrapped.simulation.n == 3 if name.endswith("v0") else isinstance(envs.unwrapped, ReferenceEnv)
    assert envs.single_observation_space == single.observation_space
    assert envs.single_action_space == single.action_space
    assert envs.metadata["autoreset_mode"] is AutoresetMode.SAME_STEP
    first, _ = envs.reset(seed=3)
    assert envs.observation_space.contains(first)
    assert not np.array_equal(first[0], first[1])
    np.testing.assert_array_equal(envs.reset(seed=3)[0], first)
    assert not np.array_equal(envs.reset()[0], first)
    envs.action_space.seed(0)
    observation, reward, terminated, truncated, _ = envs.step(envs.action_space.sample())
    assert envs.observation_space.contains(observation)
    assert [part.shape for part in (reward, terminated, truncated)] == [(3,)] * 3
    envs.close()
    single.close()


def test_a_time_limit_given_to_gymnasium_is_kept() -> None:
    envs = gymnasium.make_vec("sim2real/HalfCheetah-v5", num_envs=2, max_episode_steps=3)
    envs.reset(seed=0)
    action = np.zeros((2, 6), np.float32)
    assert [envs.step(action)[3].tolist() for _ in range(4)] == [[False] * 2, [False] * 2, [True] * 2, [False] * 2]


@pytest.mark.parametrize("name", ["sim2real/pendulum_swingup-v0", "sim2real/HalfCheetah-v5"])
@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"num_envs": 0}, "num_envs: 0; valid: 1 to"),
        ({"threads": -1}, "threads: -1; valid: 1 to"),
        ({"threads": 10**6}, "threads: 1000000; valid: 1 to"),
        ({"seed": -1}, "seed: -1; valid: 0 to"),
        ({"seed": 2**32}, "valid: 0 to"),
    ],
)
def test_numbers_out_of_range_are_refused(name: str, options: dict[str, int], said: str) -> None:
    """Once a negative number of threads, or seed, was taken."""
    with pytest.raises(UserError, match=said):
        gymnasium.make_vec(name, **({"num_envs": 2} | options))


def test_no_seed_is_another_one_each_time() -> None:
    def first(name: str, seed: int | None) -> np.ndarray:
        observation: np.ndarray = gymnasium.make(name, seed=seed).reset()[0]
        return observation

    name = "sim2real/pendulum_swingup-v0"
    assert not np.array_equal(first(name, None), first(name, None))
    np.testing.assert_array_equal(first(name, 4), first(name, 4))
    with pytest.raises(UserError, match="seed: -1"):
        gymnasium.make(name, seed=-1)
