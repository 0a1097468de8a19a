"""Laws of runs whose numbers go wrong: they stop at once, say what it was, and keep the last finite checkpoint."""

import json
from functools import partial

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from sim2real.commands.root import app
from sim2real.configs.errors import NonFiniteError, UserError
from sim2real.configs.load import load_experiment
from sim2real.training import evaluation, robot_problem, runner
from sim2real.training.algorithms.ppo import Ppo
from sim2real.training.algorithms.sac import Sac
from sim2real.training.checkpoint import load_checkpoint, save_checkpoint
from sim2real.training.metrics_file import read_metrics
from sim2real.training.newest_checkpoint import newest_checkpoint
from sim2real.training.run_folder import RunFolder
from sim2real.training.saved_policy import export_run, load_saved_policy

PPO = ("environments=16", "steps=1024", "checkpoint_every=1", "evaluation_episodes=4", "algorithm.rollout_steps=8",
       "algorithm.minibatches=2", "algorithm.hidden=[8]", "threads=1", "task.episode_duration=0.3 s")  # fmt: skip
SAC = ("environments=16", "steps=1024", "checkpoint_every=1", "evaluation_episodes=4", "algorithm.warmup=32",
       "algorithm.iteration_steps=8", "algorithm.batch=16", "algorithm.buffer=512", "algorithm.hidden=[8]",
       "threads=1", "task.episode_duration=0.3 s")  # fmt: skip


def small(*overrides, algorithm="ppo"):
    return load_experiment(f"pendulum_{algorithm}", (*(PPO if algorithm == "ppo" else SAC), *overrides))


def finite_checkpoints(run):
    """Return the iterations of the checkpoints, all of which must be finite."""
    for path in run.all_checkpoints():
        assert all(torch.isfinite(tensor).all() for tensor in load_checkpoint(path).policy.values())
    return [int(path.stem) for path in run.all_checkpoints()]


def stopped(run_dir, experiment):
    """Train a run that must not end well; return the message."""
    with pytest.raises(UserError) as caught:
        runner.train(experiment, run_dir, progress=False)
    message = str(caught.value)
    assert message.isprintable()
    assert not RunFolder(run_dir).policy.exists()
    return message


@pytest.mark.parametrize("algorithm", ["ppo", "sac"])
def test_a_learning_rate_far_too_large_stops_at_once(algorithm, tmp_path):
    rate = ("algorithm.learning_rate=1e30", *(("algorithm.target_kl=null",) if algorithm == "ppo" else ()))
    message = stopped(tmp_path / "run", small(*rate, algorithm=algorithm))
    run = RunFolder.open(tmp_path / "run")
    assert len(read_metrics(run.metrics)) <= 2 if run.metrics.exists() else True
    *_, newest = finite_checkpoints(run)
    assert f"the last finite checkpoint is kept: {run.checkpoint(newest)}" in message
    assert "--init-from" in message


@pytest.mark.parametrize(("algorithm", "kind"), [("ppo", Ppo), ("sac", Sac)])
@pytest.mark.parametrize("what", ["weight", "loss"])
def test_what_goes_wrong_in_the_third_iteration_leaves_the_second_checkpoint(
    what, algorithm, kind, tmp_path, monkeypatch
):
    iterate, count = kind.iterate, iter(range(1, 100))

    def wrong(learner, progress):
        taken, metrics = iterate(learner, progress)
        if next(count) == 3:
            if what == "loss":
                metrics["loss/value"] = float("inf")
            else:
                with torch.no_grad():
                    learner.policy.head.weight[0, 0] = torch.nan
        return taken, metrics

    monkeypatch.setattr(kind, "iterate", wrong)
    message = stopped(tmp_path / "run", small(algorithm=algorithm))
    run = RunFolder.open(tmp_path / "run")
    assert finite_checkpoints(run)[-1] == 2
    named = "loss/value is inf" if what == "loss" else "policy.head.weight is nan in 1 of 8"
    assert f"{run.path}: iteration 3, step 384: {named}" in message
    assert str(run.checkpoint(2)) in message
    assert [line["iteration"] for line in read_metrics(run.metrics)] == [1, 2, 3]


def test_a_run_resumed_from_the_last_finite_checkpoint_goes_on(tmp_path, monkeypatch):
    with monkeypatch.context() as patched:
        iterate = Ppo.iterate
        patched.setattr(Ppo, "iterate", lambda learner, share: (lambda out: out if share < 0.3 else (
            out[0], out[1] | {"loss/value": float("nan")}))(iterate(learner, share)))  # fmt: skip
        stopped(tmp_path / "run", small())
    resumed = runner.resume(tmp_path / "run", progress=False)
    whole = runner.train(small(), tmp_path / "whole", progress=False)
    states = [newest_checkpoint(report.run.path).policy for report in (resumed, whole)]
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])


REWARD = """
import numpy as np

from sim2real.task import reward

@reward()
def broken(state, constants, scale):
    values = np.cos(state.position[:, 0])
    broken.steps = getattr(broken, "steps", 0) + 1
    if broken.steps > 20:
        values[5] = VALUE
    return values
"""


@pytest.mark.parametrize(("value", "floor"), [("np.nan", "null"), ("-np.inf", "0.0"), ("np.inf", "null")])
def test_a_reward_that_is_no_number_is_named_with_its_line_and_robot(tmp_path, value, floor):
    module = tmp_path / "terms.py"
    module.write_text(REWARD.replace("VALUE", value))
    overrides = (f"task.modules=[{module}]", "task.rewards=[{term: alive, weight: 1}, {term: broken, weight: 1}]")
    message = stopped(tmp_path / "run", small(*overrides, f"task.reward_min={floor}"))
    assert f"{module}:6: reward 'broken' is {value.removeprefix('np.').replace('-np.', '-')} for robot 5" in message
    assert finite_checkpoints(RunFolder.open(tmp_path / "run"))[-1] == 2
    assert str(tmp_path / "run" / "checkpoints" / "000002.pt") in message


def test_a_performance_that_is_no_number_is_named(tmp_path):
    module = tmp_path / "terms.py"
    module.write_text(REWARD.replace("VALUE", "np.nan"))
    overrides = (f"task.modules=[{module}]", "task.rewards=[{term: alive, weight: 1}]")
    message = stopped(tmp_path / "run", small(*overrides, "task.performance={term: broken}"))
    assert f"{module}:6: reward 'broken' is not finite for robot 5, and is the task's performance" in message


def test_observations_and_states_of_any_environment_are_watched(point_environment, tmp_path, monkeypatch):
    def make(place, *_args, **_kwargs):
        environment = point_environment(16, episode_steps=20, gift=True)
        step, count = environment.step_arrays, iter(range(1, 1000))

        def stepped(actions):
            out = step(actions)
            if next(count) >= 20:
                if place == "state":
                    environment.gift[3] = np.nan
                else:
                    getattr(out, place)[3] = np.nan
            return out

        environment.step_arrays = stepped
        return environment

    for place in ("observation", "privileged", "reward", "state"):
        for module in (robot_problem, evaluation):
            monkeypatch.setattr(module, "batch_kind", lambda _, place=place: partial(make, place))
        message = stopped(tmp_path / place, small())
        assert place in message
        assert finite_checkpoints(RunFolder.open(tmp_path / place))[-1] == 2


def test_a_batch_of_one_row_is_refused_before_anything_is_written(tmp_path):
    for overrides in (
        ("environments=1", "algorithm.rollout_steps=1", "algorithm.minibatches=1"),
        ("environments=4", "algorithm.minibatches=32"),
        ("environments=1", "algorithm.rollout_steps=7", "algorithm.minibatches=3"),  # 3, 3 and 1
    ):
        with pytest.raises(UserError, match=r"algorithm\.minibatches: .*one row"):
            runner.train(small(*overrides), tmp_path / "run", progress=False)
        assert not (tmp_path / "run").exists()
    with pytest.raises(UserError, match=r"algorithm\.batch"):
        small("algorithm.batch=1", algorithm="sac")


def test_a_policy_that_is_not_finite_is_neither_evaluated_nor_exported_nor_resumed(tmp_path):
    runner.train(small("steps=512"), tmp_path / "run", progress=False)
    run = RunFolder.open(tmp_path / "run")
    checkpoint = load_checkpoint(run.latest_checkpoint())
    checkpoint.policy["body.0.weight"][0, 0] = torch.nan
    save_checkpoint(checkpoint, run.latest_checkpoint())
    for use in (
        lambda: load_saved_policy(run.path),
        lambda: export_run(run.path, tmp_path / "p.onnx"),
        lambda: runner.resume(run.path, ("steps=1024",), progress=False),
    ):
        with pytest.raises(NonFiniteError, match=r"000004\.pt: policy\.body\.0\.weight is nan in 1 of"):
            use()
    assert not (tmp_path / "p.onnx").exists()


def test_the_command_fails_with_one_document(tmp_path):
    arguments = ["train", "pendulum_ppo", "--runs-dir", str(tmp_path), "--name", "run", "--json"]
    for text in (*PPO, "algorithm.learning_rate=1e30", "algorithm.target_kl=null"):
        arguments += ["--set", text]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 1
    document = json.loads(result.stdout)
    assert document["ok"] is False
    assert "is nan" in document["reasons"][0]
    assert str(tmp_path / "run" / "checkpoints" / "000000.pt") in document["reasons"][0]
