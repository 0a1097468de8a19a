"""Laws of Stable-Baselines3 on our environments: it trains, and its infos describe ended episodes."""

from collections.abc import Iterator

import gymnasium
import numpy as np
import pytest
import stable_baselines3
import torch

import sim2real.gymnasium  # noqa: F401 - registers the tasks
from sim2real.envs.stable_baselines import StableBaselinesEnv

SMALL = {"n_steps": 32, "batch_size": 64, "n_epochs": 1, "seed": 0, "device": "cpu"}


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def weights(model: object) -> np.ndarray:
    return np.concatenate([value.detach().numpy().ravel().copy() for value in model.policy.parameters()])


@pytest.mark.slow
def test_it_trains_on_a_single_environment() -> None:
    env = gymnasium.make("sim2real/pendulum_swingup-v0", randomization="pendulum")
    model = stable_baselines3.PPO("MlpPolicy", env, **SMALL | {"n_steps": 128})
    before = weights(model)
    model.learn(256)
    assert model.num_timesteps == 256
    assert not np.array_equal(weights(model), before)
    assert np.isfinite(weights(model)).all()


@pytest.mark.parametrize("name", ["pendulum_swingup-v0", "HalfCheetah-v5"])
def test_it_trains_on_one_batch_and_a_seed_decides_the_result(name: str) -> None:
    def trained() -> np.ndarray:
        env = StableBaselinesEnv(gymnasium.make_vec(f"sim2real/{name}", num_envs=8).unwrapped)
        model = stable_baselines3.PPO("MlpPolicy", env, **SMALL)
        model.learn(256)
        assert model.num_timesteps == 256
        return weights(model)

    first = trained()
    assert np.isfinite(first).all()
    np.testing.assert_array_equal(trained(), first)


def test_infos_hold_last_observations_and_time_limits() -> None:
    limited = gymnasium.make_vec("sim2real/HalfCheetah-v5", num_envs=2, max_episode_steps=3).unwrapped
    env = StableBaselinesEnv(limited)
    env.seed(4)
    first = env.reset()
    action = np.zeros((2, 6), np.float32)
    for _ in range(2):
        _, _, done, infos = env.step(action)
        assert not done.any()
        assert infos == [{}, {}]
    observation, _, done, infos = env.step(action)
    assert done.all()
    assert all(info["TimeLimit.truncated"] for info in infos)
    assert not np.array_equal(infos[0]["terminal_observation"], observation[0])
    env.seed(4)
    np.testing.assert_array_equal(env.reset(), first)
    assert not np.array_equal(env.reset(), first)


def test_what_a_batch_cannot_do_is_refused() -> None:
    """Once options were dropped without a word, and an environment that does not exist had attributes."""
    env = StableBaselinesEnv(gymnasium.make_vec("sim2real/pendulum_swingup-v0", num_envs=2).unwrapped)
    env.set_options({"colour": 1})
    with pytest.raises(ValueError, match=r"colour.*; valid: none"):
        env.reset()
    env.set_options()
    env.reset()
    with pytest.raises(IndexError, match="valid: 0 to 1"):
        env.get_attr("num_envs", [2])
    assert env.get_attr("num_envs", -1) == [2]
    assert env.get_images() == [None, None]


def test_it_shows_images_of_all_environments() -> None:
    env = StableBaselinesEnv(
        gymnasium.make_vec("sim2real/pendulum_swingup-v0", num_envs=2, render_mode="rgb_array").unwrapped
    )
    env.reset()
    assert [image.shape for image in env.get_images()] == [(480, 640, 3)] * 2
    env.close()


def test_a_fall_is_not_reported_as_a_time_limit() -> None:
    env = StableBaselinesEnv(gymnasium.make_vec("sim2real/Hopper-v5", num_envs=1).unwrapped)
    env.reset()
    env.env.task.position[0, 1] = 0.1
    _, _, done, infos = env.step(np.zeros((1, 3), np.float32))
    assert done.all()
    assert infos[0]["TimeLimit.truncated"] is False
    assert infos[0]["terminal_observation"][0] < 0.7
