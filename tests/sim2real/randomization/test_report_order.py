"""Laws of evidence: a curriculum hears of a boundary's episodes as they began: who ends first decides nothing."""

import numpy as np
from worlds import between, pendulum, qpos, randomized

from sim2real.configs.schema.curriculum import AdrConfig
from sim2real.curriculum.interface import NO_TAG
from sim2real.envs.batch_env import BatchEnv
from sim2real.randomization.report_order import ReportOrder


def ids(*numbers: int) -> np.ndarray:
    return np.array(numbers, np.intp)


def end(order: ReportOrder, *numbers: int) -> list[float]:
    """End the episodes of some simulations, each of which performs by its number; return what may be told now."""
    results = np.array(numbers, np.float64)
    reports = order.end(ids(*numbers), results[:, None], results)
    assert reports.values[:, 0].tolist() == reports.performance.tolist()
    return reports.performance.tolist()


def test_a_result_waits_for_those_of_its_tag_that_began_before() -> None:
    order = ReportOrder(6, 1)
    order.begin(ids(3, 0, 1), np.array([7, 7, 7]))
    order.begin(ids(2, 4, 5), np.array([7, 8, NO_TAG]))
    assert end(order, 1) == []
    assert end(order, 2, 5) == [5.0]  # nobody waits who has no tag
    assert end(order, 4) == [4.0]  # or is the oldest of its own
    assert end(order, 3) == [3.0]
    assert end(order, 0) == [0.0, 1.0, 2.0]


def test_a_restarted_environment_waits_for_older_ones_again() -> None:
    order = ReportOrder(2, 1)
    order.begin(ids(0, 1), np.array([7, 7]))
    assert end(order, 1) == []
    order.begin(ids(1), np.array([7]))
    assert end(order, 1) == []
    order.begin(ids(1), np.array([7]))
    assert end(order, 0) == [0.0, 1.0, 1.0]
    assert end(order, 1) == [1.0]


def test_no_result_waits_for_an_abandoned_episode() -> None:
    order = ReportOrder(3, 1)
    order.begin(ids(0, 1, 2), np.array([7, 7, 8]))
    assert end(order, 1) == []
    assert order.abandon(ids(0, 2)).performance.tolist() == [1.0]
    assert order.abandon(ids(0, 1, 2)).performance.tolist() == []


def test_a_saved_order_continues() -> None:
    order, again = ReportOrder(4, 1), ReportOrder(4, 1)
    order.begin(ids(0, 1, 2, 3), np.array([7, 7, 8, 8]))
    assert end(order, 3, 1) == []
    again.load_state_dict(order.state_dict())
    for one in (order, again):
        assert end(one, 0) == [0.0, 1.0]
        one.begin(ids(0), np.array([7]))
        assert end(one, 2) == [2.0, 3.0]


def adr_env(n: int, buffer: int) -> BatchEnv:
    """Pendulums all of whose episodes evaluate one boundary; they do as well as they last."""
    task = pendulum("episode_duration=0.2 s", "performance={term: alive}")
    parameter = between("body_mass", 1.0, 1.2, calibrated=1.0, limits=[1.0, 2.0], step=0.05)
    curriculum = AdrConfig(strategy="adr", boundary_share=1.0, buffer=buffer, threshold_high=0.8, threshold_low=0.5)
    env = BatchEnv(task, randomized(parameter), n, seed=1, threads=1, curriculum=curriculum)
    env.reset_arrays(1)
    return env


def play(env: BatchEnv, steps: int, broken: slice) -> None:
    """Play with some simulations that break down in every step."""
    for _ in range(steps):
        qpos(env.simulation)[broken] = np.nan
        env.step_arrays(np.zeros((env.num_envs, 1), np.float32))


def test_failures_that_end_first_do_not_fill_the_buffer_of_a_boundary() -> None:
    """Half of the robots do well. Sixty failures were once counted before the first of these had ended."""
    env = adr_env(8, 4)
    play(env, 19, slice(4, 8))
    figures = env.curriculum_figures()
    assert figures["curriculum/widened"] == 0.0
    assert "curriculum/performance" not in figures
    play(env, 1, slice(4, 8))
    assert env.curriculum_figures()["curriculum/widened"] == 1.0


def test_results_that_wait_are_saved_with_everything_else() -> None:
    whole, resumed = adr_env(6, 3), adr_env(6, 3)
    play(whole, 10, slice(3, 6))
    saved = whole.state_dict()
    resumed.load_state_dict(saved)
    for env in (whole, resumed):
        play(env, 31, slice(3, 6))
    assert whole.curriculum_figures()["curriculum/widened"] >= 1.0
    assert resumed.curriculum_figures() == whole.curriculum_figures()
    # A run that an older version saved goes on, its running episodes in the order of the robots.
    del saved["parameters"]["order"]
    resumed.load_state_dict(saved)
    play(resumed, 31, slice(3, 6))
    assert resumed.curriculum_figures()["curriculum/performance"] > 0.0
