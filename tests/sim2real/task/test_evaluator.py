"""Laws of evaluation: the return is what the learner is paid, to the last bit, and its rows say what it is made of."""

import numpy as np
import pytest
from worlds import qpos, randomized

from sim2real.configs.library import shipped
from sim2real.configs.load import load_task
from sim2real.configs.schema.task import TaskConfig
from sim2real.envs.batch_env import BatchEnv
from sim2real.reference.env import ReferenceEnv
from sim2real.task.episodes import EpisodeStatistics
from sim2real.task.paid_reward import FLOOR, PENALTY, distinct

N = 6


def played(task: TaskConfig, steps: int, *, breaks: int = -1) -> tuple[dict[str, np.ndarray], list[float]]:
    """Return the finished episodes of wild play, and what was paid in each, both in the order of their ends.

    In step `breaks` the state of one simulation is no longer a number.
    """
    env = BatchEnv(task, randomized(), N, seed=1, threads=1)
    env.reset_arrays(1)
    random, running, paid = np.random.default_rng(2), np.zeros(N), []
    for step in range(steps):
        if step == breaks:
            qpos(env.simulation)[1] = np.nan
        out = env.step_arrays(random.uniform(-1.0, 1.0, (N, env.action_size)).astype(np.float32))
        running += out.reward
        ended = out.terminated | out.truncated
        paid += running[ended].tolist()
        running[ended] = 0.0
    return env.episodes.drain(), paid


def rows(finished: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name.removeprefix("reward/"): values for name, values in finished.items() if name.startswith("reward/")}


@pytest.mark.parametrize("name", shipped("tasks"))
def test_the_return_of_an_episode_is_what_was_paid_in_it_and_its_rows_add_up_to_it(name: str) -> None:
    """Floor and penalty were once missing in it, and so in every figure that people saw."""
    task = load_task(name)
    steps = 60
    task = task.model_copy(update={"episode_duration": 0.4 * steps / task.control_rate})
    finished, paid = played(task, steps, breaks=10)
    assert len(paid) > N
    assert finished["diverged"].sum() == 1.0
    assert finished["return"].tolist() == paid
    np.testing.assert_allclose(sum(rows(finished).values()), paid, atol=1e-4)
    assert (FLOOR in rows(finished)) == (task.reward_min is not None)
    assert (PENALTY in rows(finished)) == (task.termination_penalty > 0.0)


def test_the_termination_penalty_is_a_row_of_its_own_also_where_the_simulation_diverged() -> None:
    task = load_task("pendulum_swingup", ("termination_penalty=3", "rewards=[{term: alive, weight: 10}]"))
    finished, _ = played(task, 5, breaks=2)
    # 10 a second for two whole steps; the third broke: its terms are worth nothing, and it is paid the penalty.
    assert finished["length"].tolist() == [3.0]
    assert finished["return"] == pytest.approx(2 * 10.0 / task.control_rate - 3.0)
    assert rows(finished)[PENALTY].tolist() == [-3.0]
    assert rows(finished)["alive"] == pytest.approx(2 * 10.0 / task.control_rate)


def test_a_cost_is_measured_and_not_paid_and_its_figure_is_the_mean_over_the_steps_of_an_episode() -> None:
    costs = "costs={power: {term: mechanical_power, budget: 2}, fast: {term: joint_speed, scale: 2, budget: 1}}"
    short = ("episode_duration=0.05 s", "reset.position=[90 deg, 90 deg]")
    env, plain = (
        BatchEnv(load_task("pendulum_swingup", (*short, *more)), randomized(), N, seed=1, threads=1)
        for more in ((costs,), ())
    )
    for each in (env, plain):
        each.reset_arrays(1)
    assert env.cost_budgets == {"power": 2.0, "fast": 1.0}
    assert plain.costs.shape == (N, 0)
    env.stagger()
    plain.stagger()
    taken, push = [], np.full((N, 1), 0.7, np.float32)
    for _ in range(5):
        paid = [each.step_arrays(push).reward.copy() for each in (env, plain)]
        np.testing.assert_array_equal(*paid)
        taken.append((env.costs.copy(), env.simulation.transition.truncated.copy()))
        if taken[-1][1].any():
            break
    ended = taken[-1][1]
    mean = np.mean([costs[ended] for costs, _ in taken], axis=0)  # of the steps seen, whatever age it began with
    finished = env.episodes.drain()
    np.testing.assert_allclose(finished["cost/power"], mean[:, 0], rtol=1e-6)
    np.testing.assert_allclose(finished["cost/fast"], mean[:, 1], rtol=1e-6)
    state = env.simulation.state
    speed = np.abs(state.velocity[~ended]).max(axis=1)
    np.testing.assert_allclose(env.costs[~ended, 1], speed / 2, rtol=1e-6)
    np.testing.assert_allclose(
        env.costs[~ended, 0], np.abs(state.effort * state.velocity).sum(axis=1)[~ended], rtol=1e-6
    )


def test_the_reward_floor_is_a_row_of_its_own() -> None:
    overrides = (
        "rewards=[{term: alive, weight: -10}, {term: alive, weight: 4}]",
        "reward_min=-2",
        "episode_duration=0.1 s",
    )
    task = load_task("pendulum_swingup", overrides)
    finished, _ = played(task, 10)
    shares = {name: values.mean() / 0.1 for name, values in rows(finished).items()}
    assert shares == pytest.approx({"alive": -10.0, "alive_2": 4.0, FLOOR: 4.0, PENALTY: 0.0})
    assert finished["return"] == pytest.approx(-0.2)


def test_gymnasiums_own_tasks_count_what_they_pay() -> None:
    env = ReferenceEnv("Hopper-v5", 4, max_episode_steps=30, threads=1)
    env.reset(seed=0)
    random, running, paid = np.random.default_rng(0), np.zeros(4), []
    for _ in range(70):
        _, reward, terminated, truncated, _ = env.step(random.uniform(-1.0, 1.0, (4, 3)))
        running += reward
        ended = terminated | truncated
        paid += running[ended].tolist()
        running[ended] = 0.0
    finished = env.episodes.drain()
    assert finished["return"].tolist() == paid
    np.testing.assert_allclose(sum(rows(finished).values()), paid)


def test_a_state_of_an_older_version_resumes_with_the_sum_of_its_terms_as_return() -> None:
    statistics = EpisodeStatistics(2, ("alive", FLOOR))
    saved = statistics.state_dict()
    del saved["returns"]
    saved["sums"] = np.array([[1.0, 2.0]])
    statistics.load_state_dict(saved)
    everybody = np.ones(2, np.bool_)
    statistics.add(np.array([0.5, 0.5]), np.array([[0.25, 0.25], [0.25, 0.25]]), everybody)
    ids = np.arange(2)
    nothing = np.zeros(2)
    statistics.finish(
        ids, success=everybody, terminated=everybody, diverged=~everybody, performance=nothing, metrics={}
    )
    finished = statistics.drain()
    assert finished["return"].tolist() == [1.5, 2.5]
    assert finished["reward/alive"].tolist() == [1.25, 2.25]
    assert finished[f"reward/{FLOOR}"].tolist() == [0.25, 0.25]


def test_repeated_terms_are_numbered() -> None:
    assert distinct(["tip_near", "effort", "tip_near", "tip_near"]) == (
        "tip_near",
        "effort",
        "tip_near_2",
        "tip_near_3",
    )


def ends(finished: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name.removeprefix("end/"): values for name, values in finished.items() if name.startswith("end/")}


@pytest.mark.parametrize("name", shipped("tasks"))
def test_every_episode_says_what_ended_it(name: str) -> None:
    task = load_task(name)
    steps = 60
    task = task.model_copy(update={"episode_duration": 0.4 * steps / task.control_rate})
    finished, _ = played(task, steps, breaks=10)
    found = ends(finished)
    assert list(found) == [*distinct([entry.term for entry in task.terminations]), "diverged", "time_limit"]
    assert found["diverged"].tolist() == finished["diverged"].tolist()
    assert found["time_limit"].tolist() == (1.0 - finished["terminated"]).tolist()
    assert (sum(found.values()) >= 1.0).all()
    by_term = sum((found[end] for end in list(found)[:-2]), np.zeros(len(finished["return"])))
    assert ((by_term > 0) == ((finished["terminated"] > 0) & (finished["diverged"] == 0))).all()
    drained = EpisodeStatistics(1, (), (), ("low",)).drain()
    assert {key for key in drained if key.startswith("end/")} == {"end/low", "end/diverged", "end/time_limit"}


def test_two_terminations_of_one_name_are_told_apart_and_may_end_an_episode_together() -> None:
    both = "terminations=[{term: position_limits, limit: -100}, {term: position_limits, limit: 100}]"
    found = ends(played(load_task("pendulum_swingup", (both,)), 3)[0])
    assert found["position_limits"].tolist() == [1.0] * 3 * N
    assert found["position_limits_2"].tolist() == [0.0] * 3 * N
    twice = both.replace("limit: 100", "limit: -100")
    found = ends(played(load_task("pendulum_swingup", (twice,)), 3)[0])
    assert found["position_limits"].tolist() == found["position_limits_2"].tolist() == [1.0] * 3 * N
