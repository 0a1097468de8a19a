"""Laws of the training loop, without a simulator: logging, stopping, annealing."""

import math
import types

import pytest

from sim2real.configs.errors import UserError
from sim2real.configs.load import load_experiment
from sim2real.training import evaluation, robot_problem, runner, session
from sim2real.training.algorithms.ppo import Ppo
from sim2real.training.checkpoint import load_checkpoint
from sim2real.training.metrics_file import read_metrics
from sim2real.training.recent_episodes import RecentEpisodes

SMALL = (
    "environments=16",
    "steps=1024",
    "evaluation_episodes=4",
    "algorithm.rollout_steps=8",
    "algorithm.hidden=[8]",
)


def small(*overrides):
    return load_experiment("pendulum_ppo", (*SMALL, *overrides))


@pytest.fixture
def point_world(point_environment, monkeypatch):
    """Run the session on the point environment, whose curriculum figure counts the steps."""

    def make(task, randomization, n, **_):
        environment = point_environment(n, episode_steps=20, gift=True)
        step, steps = environment.step_arrays, []
        environment.step_arrays = lambda actions: (steps.append(1), step(actions))[1]
        environment.curriculum_figures = lambda: {"curriculum/entropy": float(len(steps))}
        return environment

    for module in (robot_problem, evaluation):
        monkeypatch.setattr(module, "batch_kind", lambda _: make)


def test_metrics_and_curriculum_figures_are_logged(point_world, tmp_path):
    report = runner.train(small(), tmp_path / "run", progress=False)
    lines = read_metrics(report.metrics)
    assert [line["curriculum/entropy"] for line in lines] == [8.0 * line["iteration"] for line in lines]
    late = lines[-1]
    assert 0.0 <= late["episode/terminated"] <= 1.0
    assert late["episode/metric/distance"] > 0.0
    assert {"time/collect_s", "time/learn_s", "time/steps_per_second"} <= late.keys()
    assert set(report.document()["evaluation"]["metrics"]) == {"distance"}


def test_nan_metrics_are_left_out_but_a_nan_return_is_shown():
    recent, nan = RecentEpisodes(), float("nan")
    means = recent.add({"metric/lift": [nan, 2.0, 4.0], "metric/tip": [nan], "return": [nan, 1.0]})
    assert math.isnan(means.pop("episode/return"))
    assert means == {"episode/metric/lift": 3.0}
    assert recent.mean("metric/lift") == 3.0


@pytest.fixture
def half_second_iterations(monkeypatch):
    now = iter(range(10_000))
    monkeypatch.setattr(session, "time", types.SimpleNamespace(perf_counter=lambda: 0.5 * next(now)))


def test_a_time_bound_stops_the_run_and_drives_annealing(point_world, half_second_iterations, tmp_path, monkeypatch):
    shares = []
    iterate = Ppo.iterate
    monkeypatch.setattr(Ppo, "iterate", lambda learner, share: (shares.append(share), iterate(learner, share))[1])
    report = runner.train(small("training_duration=1.6 s", "steps=1000000"), tmp_path / "run", progress=False)
    assert report.iterations == 4
    assert report.seconds == 2.0
    assert shares == pytest.approx([0.0, 0.5 / 1.6, 1.0 / 1.6, 1.5 / 1.6])
    with pytest.raises(UserError, match=r"the training_duration of 1\.6 s is over; continue with --set training_dur"):
        runner.resume(report.run.path, progress=False)
    longer = runner.resume(report.run.path, ("training_duration=2.6 s",), progress=False)
    assert load_checkpoint(longer.run.latest_checkpoint()).seconds == 3.0


def test_the_larger_share_decides(point_world, half_second_iterations, tmp_path):
    experiment = small("training_duration=100 s")
    assert session.share_done(experiment, 512, 10.0) == 0.5
    assert session.share_done(experiment, 512, 70.0) == 0.7
    assert session.share_done(experiment, 4096, 70.0) == 1.0
    assert session.share_done(small(), 512, 1e9) == 0.5
    assert runner.train(experiment, tmp_path / "run", progress=False).steps == 1024
