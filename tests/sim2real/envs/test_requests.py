"""Laws of what a caller asks of an environment: obeyed, or refused in one line; never ignored, never stretched."""

import copy
import pickle

import numpy as np
import pytest

import sim2real
from sim2real.reference.env import ReferenceEnv


@pytest.fixture(params=["single", "vector", "reference"])
def env(request):
    made = {
        "single": lambda: sim2real.make_env("so101_reach"),
        "vector": lambda: sim2real.make_env("so101_reach", num_envs=3, threads=1),
        "reference": lambda: ReferenceEnv("Hopper-v5", 3, threads=1),
    }[request.param]()
    made.reset(seed=1)
    return made


def test_an_action_of_the_very_shape_is_taken_whatever_its_type(env):
    shape = env.action_space.shape
    for action in (np.zeros(shape, np.float32), np.zeros(shape), np.zeros(shape, int), np.zeros(shape).tolist()):
        env.step(action)


def test_an_action_of_another_shape_is_not_stretched(env):
    shape = env.action_space.shape
    for wrong in (0.1, np.zeros(1), np.zeros((*shape, 1)), np.zeros(int(np.prod(shape)) + 1), np.zeros((1, *shape))):
        with pytest.raises(ValueError, match=r"an action of shape .*; valid: \("):
            env.step(wrong)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_an_action_that_is_no_number_is_refused_with_its_place(env, value):
    action = np.zeros(env.action_space.shape)
    action.reshape(-1)[-1] = value
    with pytest.raises(ValueError, match=f"is {value}; valid: finite numbers"):
        env.step(action)


def test_options_of_a_reset_are_refused_by_name(env):
    env.reset(options={})
    with pytest.raises(ValueError, match="no option is known, given: reset_mask"):
        env.reset(options={"reset_mask": np.ones(3, bool)})


def test_a_copy_is_refused_with_what_to_do(env):
    for copied in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="cannot be pickled or copied: make one where it is needed"):
            copied(env.unwrapped)
