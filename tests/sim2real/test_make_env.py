"""Laws of `make_env`: Gymnasium's environments from names, paths and loaded configurations; seeds decide everything."""

import gymnasium
import numpy as np
import pytest

from sim2real.configs.errors import UserError
from sim2real.configs.load import load_randomization, load_task
from sim2real.envs.make_env import make_env


def trace(env: gymnasium.Env | gymnasium.vector.VectorEnv, steps: int = 20) -> np.ndarray:
    actions = np.random.default_rng(0).uniform(-1.0, 1.0, (steps, *env.action_space.shape)).astype(np.float32)
    seen = [env.reset()[0], *(env.step(action)[0] for action in actions)]
    env.close()
    return np.array(seen)


def test_one_environment_is_gymnasiums_and_many_are_a_vector():
    assert isinstance(make_env("pendulum_swingup", seed=0), gymnasium.Env)
    many = make_env("pendulum_swingup", num_envs=3, seed=0)
    assert isinstance(many, gymnasium.vector.VectorEnv)
    assert many.num_envs == 3


@pytest.mark.parametrize("num_envs", [None, 3])
def test_the_seed_decides_and_none_is_another_each_time(num_envs):
    def episodes(seed: int | None) -> np.ndarray:
        return trace(make_env("pendulum_swingup", num_envs=num_envs, randomization="pendulum", seed=seed))

    np.testing.assert_array_equal(episodes(3), episodes(3))
    assert not np.array_equal(episodes(3), episodes(4))
    assert not np.array_equal(episodes(None), episodes(None))


def test_names_and_loaded_configurations_mean_the_same():
    by_name = make_env("pendulum_swingup", num_envs=2, randomization="pendulum", seed=1)
    loaded = make_env(load_task("pendulum_swingup"), num_envs=2, randomization=load_randomization("pendulum"), seed=1)
    np.testing.assert_array_equal(trace(by_name), trace(loaded))


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ({"task": "pendulum_swingu"}, "did you mean 'pendulum_swingup'"),
        ({"randomization": "pendulm"}, "did you mean 'pendulum'"),
        ({"num_envs": 0}, "num_envs: 0; valid: 1 to 65536"),
        ({"num_envs": 10**12}, "valid: 1 to 65536"),
        ({"num_envs": 2, "threads": -1}, "threads: -1; valid: 1 to 1024, or 0 for every core"),
        ({"seed": -1}, "seed: -1; valid: 0 to"),
        ({"seed": 2**32}, "valid: 0 to"),
        ({"threads": 2}, "give num_envs"),
        ({"num_envs": 2, "render_mode": "human"}, "valid: None, 'rgb_array'"),
        ({"render_mode": "human"}, "valid: None, 'rgb_array'"),
    ],
)
def test_what_is_wrong_is_one_line(options, line):
    with pytest.raises(UserError) as refused:
        make_env(**({"task": "pendulum_swingup"} | options))
    assert line in str(refused.value)
    assert len(str(refused.value).splitlines()) == 1


def test_whole_numbers_of_numpy_are_numbers_and_others_are_refused():
    # A seed of numpy's overflowed, and 1.5 was taken for 1.
    of_numpy = make_env("pendulum_swingup", num_envs=np.int64(2), randomization="pendulum", seed=np.int64(3))
    np.testing.assert_array_equal(
        trace(of_numpy), trace(make_env("pendulum_swingup", num_envs=2, randomization="pendulum", seed=3))
    )
    for options in ({"seed": 1.5}, {"num_envs": 1.5}, {"num_envs": 2, "threads": 1.5}):
        with pytest.raises(TypeError, match="cannot be interpreted as an integer"):
            make_env("pendulum_swingup", **options)
