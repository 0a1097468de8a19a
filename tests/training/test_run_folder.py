"""Laws of run folders: of several runs that begin at once each gets its own."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from sim2real.configs.errors import UserError
from sim2real.configs.load import load_experiment
from sim2real.training.run_folder import RunFolder
from sim2real.training.train import train


def test_of_many_that_ask_for_one_name_one_gets_it(tmp_path):
    def ask(_):
        try:
            return RunFolder.create(tmp_path / "run").path
        except UserError:
            return None

    with ThreadPoolExecutor(16) as pool:
        got = [path for path in pool.map(ask, range(64)) if path is not None]
    assert got == [tmp_path / "run"]


def test_of_many_that_ask_for_a_numbered_one_each_gets_its_own(tmp_path):
    with ThreadPoolExecutor(16) as pool:
        got = list(pool.map(lambda _: RunFolder.create(tmp_path / "run", numbered=True).path.name, range(32)))
    assert sorted(got) == sorted(["run", *(f"run-{number}" for number in range(2, 33))])


def test_two_runs_of_one_second_both_start(tmp_path, monkeypatch):
    import datetime as of_module

    class Clock(of_module.datetime):
        @classmethod
        def now(cls, tz=None):
            return cls(2026, 1, 1, tzinfo=of_module.UTC)

    monkeypatch.setattr("sim2real.training.train.datetime", Clock)
    small = load_experiment("pendulum_ppo", (
        "environments=8", "steps=64", "evaluation_episodes=2", "algorithm.rollout_steps=8", "algorithm.hidden=[8]",
        "threads=1", "task.episode_duration=0.3 s",
    ))  # fmt: skip
    names = [train(small, runs_dir=tmp_path).run.path.name for _ in range(2)]
    assert names[1] == f"{names[0]}-2"
    with pytest.raises(UserError, match="this folder is not empty"):
        train(small, runs_dir=tmp_path, name=names[0])
