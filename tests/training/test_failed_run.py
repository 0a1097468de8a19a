"""Laws of runs in which nothing can have been learned: they end as failures that say what ended their episodes."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from sim2real.configs.errors import UserError
from sim2real.configs.load import load_experiment
from sim2real.simulation.divergence import Divergence
from sim2real.training import runner
from sim2real.training.commands.train import app
from sim2real.training.metrics_file import read_metrics
from sim2real.training.run_folder import RunFolder

SMALL = ("environments=8", "steps=128", "checkpoint_every=1", "evaluation_episodes=3", "threads=1",
         "algorithm.hidden=[8]", "algorithm.rollout_steps=8", "algorithm.minibatches=2")  # fmt: skip
AT_ONCE = "task.terminations=[{term: position_limits, limit: 100}, {term: position_limits, limit: -100}]"


def small(*overrides):
    return load_experiment("pendulum_ppo", (*SMALL, *overrides))


def test_episodes_that_all_end_at_once_fail_the_run_and_name_the_termination(tmp_path):
    with pytest.raises(UserError) as caught:
        runner.train(small(AT_ONCE), tmp_path / "run", progress=False)
    run = RunFolder.open(tmp_path / "run")
    assert "all 3 episodes of the evaluation ended within 1 control steps, by: position_limits_2 100%" in str(
        caught.value
    )
    assert f"no policy was exported; the last checkpoint is {run.checkpoint(2)}" in str(caught.value)
    assert not run.policy.exists()
    last = read_metrics(run.metrics)[-1]
    assert last["episode/end/position_limits_2"] == 1.0
    assert last["episode/end/position_limits"] == last["episode/end/time_limit"] == 0.0


def test_episodes_that_all_diverge_fail_the_run(tmp_path, monkeypatch):
    steps = iter(range(10**6))
    broken = {True: np.arange(3), False: np.zeros(0, int)}
    monkeypatch.setattr(Divergence, "find", lambda self, failed: broken[next(steps) % 30 == 29])
    with pytest.raises(UserError, match=r"diverged in all 3 episodes .* lower task\.physics\.timestep.*reproduce"):
        runner.train(small(), tmp_path / "run", progress=False)
    assert not RunFolder(tmp_path / "run").policy.exists()


def test_short_episodes_that_reach_their_time_limit_are_no_failure(tmp_path):
    report = runner.train(small("task.episode_duration=0.05 s"), tmp_path / "run", progress=False)
    assert report.evaluation.length_max == 5
    assert report.evaluation.ends["time_limit"] == 1.0
    assert report.document()["evaluation"]["ends"]["position_limits"] == 0.0


def test_the_command_fails_with_one_document(tmp_path):
    arguments = [
        "pendulum_ppo",
        *(f"--set={text}" for text in (*SMALL, AT_ONCE)),
        "--runs-dir",
        str(tmp_path),
        "--json",
    ]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 1
    assert json.loads(result.stdout)["ok"] is False
