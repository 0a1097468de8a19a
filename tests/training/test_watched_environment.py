"""Laws of the watch between learner and environment: nothing that is not finite passes, in either direction."""

import numpy as np
import pytest

from sim2real.configs.errors import NonFiniteError
from sim2real.training.watched_environment import WatchedEnvironment

BAD = [np.nan, np.inf, -np.inf]


def spoiled(environment, place, value, at=3):
    """Let the `at`-th step of an environment return a transition with one bad number."""
    step, count = environment.step_arrays, iter(range(1, 100))

    def stepped(actions):
        out = step(actions)
        if next(count) == at:
            getattr(out, place).reshape(-1)[-1] = value
            out.terminated[:] |= place.startswith("final")
        return out

    environment.step_arrays = stepped
    return environment


@pytest.mark.parametrize("value", BAD)
@pytest.mark.parametrize(
    ("place", "named"),
    [
        ("observation", r"observation\[4\] of environment 7"),
        ("privileged", r"privileged\[0\] of environment 7"),
        ("reward", "reward of environment 7"),
        ("final_observation", r"observation\[4\] of environment 7 .*last step of the episode"),
        ("final_privileged", r"privileged\[0\] of environment 7 .*last step of the episode"),
    ],
)
def test_the_first_number_that_is_not_finite_is_refused_by_name(point_environment, place, named, value):
    watched = WatchedEnvironment(spoiled(point_environment(8, gift=True), place, value))
    watched.reset_arrays(0)
    for _ in range(2):
        watched.step_arrays(np.zeros((8, 1), np.float32))
    with pytest.raises(NonFiniteError, match=named) as caught:
        watched.step_arrays(np.zeros((8, 1), np.float32))
    assert f"is {value}" in str(caught.value)
    assert "control step 3" in str(caught.value)


@pytest.mark.parametrize("value", BAD)
def test_an_action_that_is_not_finite_never_reaches_the_environment(point_environment, value):
    environment = point_environment(8)
    watched = WatchedEnvironment(environment)
    watched.reset_arrays(0)
    actions = np.zeros((8, 1), np.float32)
    actions[5] = value
    with pytest.raises(NonFiniteError, match=rf"action\[0\] of environment 5 is {value}"):
        watched.step_arrays(actions)
    assert not environment.age.any()


def test_the_first_observations_are_watched_too(point_environment):
    environment = point_environment(8)
    reset = environment.reset_arrays
    environment.reset_arrays = lambda seed: np.full_like(reset(seed), np.nan)
    with pytest.raises(NonFiniteError, match="observation"):
        WatchedEnvironment(environment).reset_arrays(0)


def test_columns_are_named_where_the_environment_names_them(point_environment):
    environment = spoiled(point_environment(8), "observation", np.nan, at=1)
    environment.observation_names = ("a", "b", "c", "d", "joint_velocity")
    watched = WatchedEnvironment(environment)
    watched.reset_arrays(0)
    with pytest.raises(NonFiniteError, match="observation joint_velocity of environment 7"):
        watched.step_arrays(np.zeros((8, 1), np.float32))


def test_large_numbers_that_overflow_a_sum_are_let_through(point_environment):
    watched = WatchedEnvironment(spoiled(point_environment(8), "reward", 3e38))
    watched.reset_arrays(0)
    for _ in range(4):
        watched.step_arrays(np.full((8, 1), 3e38, np.float32))


def test_the_environment_is_seen_unchanged(point_environment):
    plain, watched = point_environment(8, gift=True), WatchedEnvironment(point_environment(8, gift=True))
    assert (watched.reset_arrays(3) == plain.reset_arrays(3)).all()
    plain.stagger()
    watched.stagger()
    for _ in range(60):
        one, other = (each.step_arrays(np.full((8, 1), 0.3, np.float32)) for each in (plain, watched))
        assert (one.observation == other.observation).all()
        assert (one.reward == other.reward).all()
    assert watched.state_dict().keys() == plain.state_dict().keys()
    assert watched.contract == plain.contract
    assert (watched.num_envs, watched.privileged_size) == (8, 1)
