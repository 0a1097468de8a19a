"""Laws of single environments in processes of Gymnasium and Stable-Baselines3: the numbers are those of one process."""

import copy
import warnings
from functools import partial

import gymnasium
import numpy as np
import pytest
from gymnasium.vector import AsyncVectorEnv, SyncVectorEnv

import sim2real
import sim2real.gymnasium  # registers the tasks

ACTIONS = np.random.default_rng(0).uniform(-1.0, 1.0, (8, 2, 1)).astype(np.float32)
MAKERS = [
    partial(sim2real.make_env, "pendulum_swingup", randomization="pendulum", seed=1),
    # The prefix imports what registers the task, also in a process that was spawned.
    partial(gymnasium.make, "sim2real.gymnasium:sim2real/pendulum_swingup-v0", max_episode_steps=3),
]


@pytest.fixture(params=["fork", pytest.param("spawn", marks=pytest.mark.slow)])
def context(request):
    """A way to start processes; this one has native threads, which a fork does not take along."""
    threaded = sim2real.make_env("pendulum_swingup", num_envs=4, threads=2)
    threaded.reset()
    with warnings.catch_warnings():
        # That a fork with threads may hang is what is tested; a process's error is also a warning of Gymnasium's.
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", UserWarning)
        yield request.param


def episodes(env):
    """Everything that a vector environment says: two resets, steps across a time limit, a reset of one environment."""
    seen = [env.reset(seed=7)[0], *(part for action in ACTIONS for part in env.step(action)[:4])]
    seen += [env.reset(options={"reset_mask": np.array([True, False])})[0], env.reset(seed=[3, 4])[0]]
    env.close()
    return seen


def test_gymnasiums_processes_give_the_numbers_of_one_process(context):
    for theirs, ours in zip(
        episodes(AsyncVectorEnv(MAKERS, context=context)), episodes(SyncVectorEnv(MAKERS)), strict=True
    ):
        np.testing.assert_array_equal(theirs, ours)


def test_stable_baselines_processes_give_the_numbers_of_one_process(context):
    vec_env = pytest.importorskip("stable_baselines3.common.vec_env")

    def episodes(env):
        env.seed(5)
        seen = [env.reset(), *(part for action in ACTIONS for part in env.step(action)[:3])]
        assert env.env_is_wrapped(gymnasium.Wrapper) == [False, True]
        env.close()
        return seen

    one = episodes(vec_env.DummyVecEnv(MAKERS))
    for theirs, ours in zip(episodes(vec_env.SubprocVecEnv(MAKERS, start_method=context)), one, strict=True):
        np.testing.assert_array_equal(theirs, ours)


def test_an_environment_made_before_it_is_sent_goes_on_where_it_was(context):
    made = MAKERS[0]()
    made.reset(seed=2)
    made.step(ACTIONS[0, 0])
    expected = copy.deepcopy(made).step(ACTIONS[1, 0])[0]
    env = AsyncVectorEnv([partial(_as_it_is, made)], context=context)
    np.testing.assert_array_equal(env.step(ACTIONS[1, :1])[0][0], expected)
    env.close()


def _as_it_is(env):
    return env


def test_an_error_in_a_process_reaches_the_caller(context):
    env = AsyncVectorEnv(MAKERS[:1], context=context)
    env.reset(seed=0)
    with pytest.raises(ValueError, match="is nan; valid: finite numbers"):
        env.step(np.full((1, 1), np.nan, np.float32))
    env.close()
