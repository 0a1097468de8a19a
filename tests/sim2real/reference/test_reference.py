"""Laws of Gymnasium's tasks on the batch: the same numbers as Gymnasium's own, step by step."""

import warnings
from typing import Any

import gymnasium
import numpy as np
import pytest

from sim2real.configs.errors import UserError
from sim2real.configs.schema.gymnasium import InfoCostConfig
from sim2real.reference.env import ReferenceEnv
from sim2real.reference.tasks import TASKS

STEPS = 600
SIDE_BY_SIDE = 3


def gymnasiums_own(task: str) -> Any:
    with warnings.catch_warnings():
        # MuJoCo warns about an attribute of HalfCheetah's model.
        warnings.filterwarnings("ignore", message=".*settotalmass.*")
        return gymnasium.make(task).unwrapped


def side_by_side(task: str, seed: int) -> tuple[ReferenceEnv, list[Any]]:
    """Our environment and Gymnasium's in the same states at the start of an episode."""
    theirs = [gymnasiums_own(task) for _ in range(SIDE_BY_SIDE)]
    ours = ReferenceEnv(task, SIDE_BY_SIDE, threads=1)
    first = np.array([env.reset(seed=seed + index)[0] for index, env in enumerate(theirs)])
    ours.set_state(np.array([env.data.qpos for env in theirs]), np.array([env.data.qvel for env in theirs]))
    np.testing.assert_allclose(ours.state_dict()["observation"], first, atol=1e-12)
    return ours, theirs


@pytest.mark.parametrize("task", TASKS)
def test_observations_rewards_and_ends_are_gymnasiums(task: str) -> None:
    ours, theirs = side_by_side(task, 0)
    rng = np.random.default_rng(1)
    low, high = theirs[0].action_space.low, theirs[0].action_space.high
    done = np.zeros(SIDE_BY_SIDE, np.bool_)
    compared = terminations = 0
    while compared < STEPS:
        action = (rng.uniform(1.1 * low, 1.1 * high, (SIDE_BY_SIDE, len(low)))).astype(np.float32)
        observation, reward, terminated, truncated, info = ours.step(action)
        assert not truncated.any()
        for index, env in enumerate(theirs):
            if done[index]:
                continue
            wanted = env.step(action[index])
            got = info["final_obs"][index] if terminated[index] else observation[index]
            np.testing.assert_allclose(got, wanted[0], rtol=1e-9, atol=1e-9)
            assert reward[index] == pytest.approx(wanted[1], rel=1e-9, abs=1e-9)
            assert terminated[index] == wanted[2]
            for name in ours.task.measured:
                assert info[name][index] == pytest.approx(wanted[4][name], rel=1e-9, abs=1e-9)
            compared += 1
        terminations += np.count_nonzero(terminated & ~done)
        done |= terminated
        if done.all():
            ours, theirs = side_by_side(task, 100 + compared)
            done[:] = False
    assert terminations > 0 or task in {"HalfCheetah-v5", "Swimmer-v5", "Ant-v5"}


@pytest.mark.parametrize("task", ["Ant-v5", "Humanoid-v5"])
def test_contact_forces_are_gymnasiums_before_they_are_clipped(task: str) -> None:
    ours, theirs = side_by_side(task, 3)
    rng = np.random.default_rng(0)
    touched = False
    for _ in range(15):
        action = rng.uniform(-0.4, 0.4, (SIDE_BY_SIDE, ours.action_size)).astype(np.float32)
        assert not ours.step(action)[2].any()
        for index, env in enumerate(theirs):
            env.step(action[index])
            wanted = env.data.cfrc_ext[1:]
            touched |= bool(np.abs(wanted).max() > 1.0)
            np.testing.assert_allclose(ours.task.contacts.values[index], wanted, rtol=1e-9, atol=1e-9)
    assert touched


@pytest.mark.parametrize("task", TASKS)
def test_a_restored_environment_continues_bit_for_bit(task: str) -> None:
    env = ReferenceEnv(task, 4, threads=2, max_episode_steps=25)
    env.reset_arrays(1)
    env.stagger()
    rng = np.random.default_rng(0)
    actions = rng.uniform(-1, 1, (40, 4, env.action_size)).astype(np.float32)
    for action in actions[:10]:
        env.step_arrays(action)
    env.episodes.drain()
    saved = env.state_dict()
    wanted = [env.step_arrays(action).observation.copy() for action in actions]
    returns = env.episodes.drain()["return"]
    assert len(returns) > 0
    again = ReferenceEnv(task, 4, threads=1, max_episode_steps=25)
    again.load_state_dict(saved)
    np.testing.assert_array_equal([again.step_arrays(action).observation.copy() for action in actions], wanted)
    np.testing.assert_array_equal(again.episodes.drain()["return"], returns)


def test_step_arrays_rounds_to_single_precision_and_clips_actions() -> None:
    exact, single = ReferenceEnv("Humanoid-v5", 3, seed=5), ReferenceEnv("Humanoid-v5", 3, seed=5)
    first, _ = exact.reset()
    np.testing.assert_array_equal(first.astype(np.float32), single.reset_arrays())
    action = np.full((3, 17), 3.0, np.float32)
    observation, reward, *_ = exact.step(np.clip(action, -0.4, 0.4))
    out = single.step_arrays(action)
    np.testing.assert_array_equal(observation.astype(np.float32), out.observation)
    np.testing.assert_array_equal(reward.astype(np.float32), out.reward)
    assert observation.dtype == np.float64
    assert exact.observation_space.contains(observation)


def test_a_time_limit_truncates_and_the_next_episode_is_another_one() -> None:
    env, unlimited = ReferenceEnv("HalfCheetah-v5", 2, max_episode_steps=5), ReferenceEnv("HalfCheetah-v5", 2)
    first, _ = env.reset(seed=0)
    np.testing.assert_array_equal(unlimited.reset(seed=0)[0], first)
    assert not np.allclose(first[0], first[1])
    action = np.ones((2, 6), np.float32)
    for _ in range(4):
        _, _, terminated, truncated, info = env.step(action)
        assert not (terminated | truncated).any()
        assert set(info) == {"x_velocity"}
        unlimited.step(action)
    observation, _, terminated, truncated, info = env.step(action)
    assert truncated.all()
    assert not terminated.any()
    np.testing.assert_array_equal(np.stack(info["final_obs"]), unlimited.step(action)[0])
    assert not np.allclose(observation, first, atol=1e-3)
    np.testing.assert_array_equal(env.transition.observation, observation.astype(np.float32))
    np.testing.assert_array_equal(env.transition.final_observation[0], info["final_obs"][0].astype(np.float32))
    finished = env.episodes.drain()
    assert finished["length"].tolist() == [5, 5]
    assert finished["success"].tolist() == [1, 1]
    np.testing.assert_allclose(finished["reward/forward"] + finished["reward/control"], finished["return"])


def test_the_seed_determines_every_episode() -> None:
    env = ReferenceEnv("Hopper-v5", 8, max_episode_steps=20)
    action = np.ones((8, 3), np.float32)

    def run(seed: int) -> np.ndarray:
        env.reset_arrays(seed)
        return np.array([env.step_arrays(action).observation.copy() for _ in range(50)])

    first = run(1)
    np.testing.assert_array_equal(run(1), first)
    assert not np.array_equal(run(2), first)


def test_a_diverged_simulation_ends_and_leaves_no_nan() -> None:
    env = ReferenceEnv("HalfCheetah-v5", 3)
    env.reset_arrays(0)
    env.task.velocity[1] = np.nan
    out = env.step_arrays(np.zeros((3, 6), np.float32))
    assert out.terminated.tolist() == [False, True, False]
    assert np.isfinite(out.final_observation).all()
    assert np.isfinite(out.observation).all()
    assert out.reward[1] == 0.0
    assert env.episodes.diverged == 1
    assert not env.step_arrays(np.zeros((3, 6), np.float32)).terminated.any()


def test_an_unknown_task_names_the_known_ones() -> None:
    with pytest.raises(UserError, match=r"no task 'Pusher-v5'.*HalfCheetah-v5"):
        ReferenceEnv("Pusher-v5", 1)


def test_costs_are_what_is_measured_also_of_the_last_step_of_an_episode() -> None:
    costs = {"x_velocity": InfoCostConfig(budget=2.0)}
    env = ReferenceEnv("Hopper-v5", 4, threads=1, costs=costs)
    assert env.cost_budgets == {"x_velocity": 2.0}
    env.reset_arrays(0)
    rng, sums, means = np.random.default_rng(0), np.zeros(4), []
    for _ in range(60):
        _, _, terminated, _, info = env.step(rng.uniform(-1.0, 1.0, (4, 3)).astype(np.float32))
        np.testing.assert_allclose(env.costs[:, 0], info["x_velocity"], rtol=1e-6)
        sums += info["x_velocity"]
        lengths = env.episodes.length
        for row in np.flatnonzero(terminated):
            means.append(sums[row])
            sums[row] = 0.0
        assert (lengths[terminated] == 0).all()
    finished = env.episodes.drain()
    assert len(means) > 2
    np.testing.assert_allclose(finished["cost/x_velocity"] * finished["length"], means, rtol=1e-5)


def test_a_cost_goes_on_where_a_run_was_left() -> None:
    def made() -> ReferenceEnv:
        return ReferenceEnv("Hopper-v5", 2, threads=1, costs={"x_velocity": InfoCostConfig(budget=2.0, above=0.1)})

    one, other = made(), made()
    one.reset_arrays(0)
    actions = np.random.default_rng(0).uniform(-1.0, 1.0, (300, 2, 3)).astype(np.float32)
    for action in actions[:10]:
        one.step_arrays(action)
    other.load_state_dict(one.state_dict())
    for action in actions[10:]:
        one.step_arrays(action)
        other.step_arrays(action)
        assert set(np.unique(one.costs)) <= {0.0, 1.0}
    first, second = one.episodes.drain()["cost/x_velocity"], other.episodes.drain()["cost/x_velocity"]
    assert len(first) > 0
    assert first.tolist() == second.tolist()
