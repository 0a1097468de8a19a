"""Laws of runs that imitate: trained by the command, resumed, exported, and where PPO and SAC begin."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

import sim2real
from sim2real.configs.errors import UserError
from sim2real.configs.load import load_experiment
from sim2real.runtime.policy import OnnxPolicy
from sim2real.training import runner
from sim2real.training.commands.train import app
from sim2real.training.newest_checkpoint import newest_checkpoint
from sim2real.training.saved_policy import load_saved_policy

LOG = Path(__file__).parents[1] / "runtime/data/pendulum_swingup.mcap"
SMALL = ("environments=8", "checkpoint_every=1", "evaluation_episodes=2", "threads=1", "idle_share_max=null",
         "task.episode_duration=0.3 s")  # fmt: skip
CLONE = (*SMALL, "steps=600", f"algorithm.demonstrations=[{LOG}]", "algorithm.batch=20", "algorithm.updates=10")
STUDENT = (*SMALL, "steps=128", "algorithm.teacher=pendulum_swingup", "algorithm.rollout_steps=4",
           "algorithm.updates=2", "algorithm.batch=16")  # fmt: skip


def train(folder, name, experiment, algorithm, overrides, **more):
    return sim2real.train(experiment, algorithm=algorithm, overrides=overrides, runs_dir=folder, name=name, **more)


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    return train(tmp_path_factory.mktemp("runs"), "clone", "pendulum_ppo", "bc", CLONE)


def test_a_clone_has_the_network_of_the_experiments_own_algorithm_and_is_exported(clone):
    experiment = load_saved_policy(clone.run.path).experiment
    assert (experiment.algorithm.name, experiment.algorithm.squash) == ("bc", False)
    assert experiment.algorithm.hidden == load_experiment("pendulum_ppo").algorithm.hidden
    assert clone.steps == 600
    assert OnnxPolicy(clone.policy).contract.task == "pendulum_swingup"


@pytest.mark.parametrize(("experiment", "squash"), [("pendulum_ppo", False), ("pendulum_sac", True)])
def test_ppo_and_sac_begin_from_the_clone_with_its_normaliser(experiment, squash, tmp_path):
    first = train(tmp_path, "clone", experiment, "bc", CLONE)
    keys = {
        "pendulum_ppo": ("algorithm.rollout_steps=8", "algorithm.minibatches=2", "algorithm.learning_rate=1e-8",
                         "algorithm.learning_rate_range=[1e-8, 1e-8]"),
        "pendulum_sac": ("algorithm.warmup=1000", "algorithm.buffer=512", "algorithm.iteration_steps=8"),
    }  # fmt: skip
    new = train(tmp_path, "new", experiment, None, (*SMALL, "steps=64", *keys[experiment]), init_from=first.run.path)
    mine, theirs = (newest_checkpoint(each.run.path).policy for each in (new, first))
    assert load_saved_policy(first.run.path).experiment.algorithm.squash is squash
    torch.testing.assert_close(mine["head.weight"], theirs["head.weight"], rtol=0.0, atol=1e-5)
    count = "normalizer.moments.count"
    assert float(mine[count]) == float(theirs[count]) + 64.0
    assert not torch.equal(mine["normalizer.shift"], theirs["normalizer.shift"])


def test_a_policy_that_is_squashed_is_not_where_ppo_begins(tmp_path):
    first = train(tmp_path, "clone", "pendulum_ppo", "bc", (*CLONE, "algorithm.squash=true"))
    with pytest.raises(UserError, match=r"algorithm\.name \(one of the two applies tanh to its actions"):
        train(tmp_path, "new", "pendulum_ppo", None, SMALL, init_from=first.run.path)


@pytest.mark.parametrize(("algorithm", "overrides"), [("bc", CLONE), ("dagger", STUDENT)])
def test_a_run_that_lost_its_end_is_resumed_to_the_same_bits(algorithm, overrides, leaves, tmp_path):
    memory = "algorithm.memory={kind: gru, size: 4}"
    whole = train(tmp_path, "whole", "pendulum_ppo", algorithm, (*overrides, memory))
    again = train(tmp_path, "again", "pendulum_ppo", algorithm, (*overrides, memory))
    for path in (again.policy, again.run.all_checkpoints()[-1]):
        path.unlink()
    runner.resume(again.run.path, progress=False)
    expected, found = (
        leaves([saved.policy, saved.algorithm, saved.environment])
        for saved in (newest_checkpoint(whole.run.path), newest_checkpoint(again.run.path))
    )
    assert len(expected) == len(found) > 40
    for one, other in zip(expected, found, strict=True):
        assert torch.equal(one, other) if isinstance(one, torch.Tensor) else one == other


def test_a_students_memory_is_exported_and_runs_on_the_emulated_robot(tmp_path):
    report = train(tmp_path, "student", "pendulum_ppo", "dagger", (*STUDENT, "algorithm.memory={kind: lstm, size: 4}"))
    assert OnnxPolicy(report.policy).contract.recurrent_state == ((1, 4), (1, 4))
    assert sim2real.evaluate(report.policy, episodes=2).row("none").episodes == 2


def test_the_paths_of_an_experiment_are_those_beside_it(tmp_path, monkeypatch):
    (tmp_path / "shown.mcap").write_bytes(LOG.read_bytes())
    block = "{name: bc, demonstrations: [shown.mcap], updates: 2}"
    text = (
        "name: mine\ntask: pendulum_swingup\nrandomization: pendulum\nenvironments: 2\nsteps: 100\n"
        f"idle_share_max: null\nevaluation_episodes: 2\nalgorithm: {block}\n"
    )
    (tmp_path / "mine.yaml").write_text(text)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    report = sim2real.train(tmp_path / "mine.yaml", name="run", overrides=("task.episode_duration=0.2 s",))
    monkeypatch.chdir(tmp_path)
    assert newest_checkpoint(elsewhere / report.run.path).steps == report.steps


def test_the_command_says_in_one_line_what_is_wrong_with_demonstrations_and_leaves_no_folder(tmp_path):
    cut = tmp_path / "cut.mcap"
    cut.write_bytes(LOG.read_bytes()[:-100])
    arguments = ["pendulum_ppo", "--algorithm", "bc", "--runs-dir", str(tmp_path), "--name", "run", "--json"]
    settings = [*CLONE, f"algorithm.demonstrations=[{cut}]"]
    result = CliRunner().invoke(app, [*arguments, *(f"--set={text}" for text in settings)])
    assert result.exit_code == 1
    (reason,) = json.loads(result.stdout)["reasons"]
    assert reason.startswith(f"{cut}: cut off or damaged after")
    assert not (tmp_path / "run").exists()


def test_a_clone_of_a_clone_is_the_same_policy(clone, tmp_path):
    path = tmp_path / "shown.npz"
    sim2real.evaluate(clone.policy, episodes=4, record=path, overrides=("task.episode_duration=1 s",))
    settings = (*SMALL, "steps=40000", f"algorithm.demonstrations=[{path}]", "algorithm.learning_rate=0.003")
    again = train(tmp_path, "again", "pendulum_ppo", "bc", settings)
    with np.load(path) as data:
        observation, action = data["observation"], data["action"]
    found = load_saved_policy(again.run.path).act(observation)
    assert float(np.square(found - action.clip(-1, 1)).mean()) < 1e-3
