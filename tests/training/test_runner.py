"""Laws of training runs on the real environment: output files, resuming, interrupting, full disks."""

import errno
import itertools
import json
import shutil
import signal

import numpy as np
import pytest
import torch

from sim2real.configs.errors import UserError
from sim2real.configs.load import load_experiment
from sim2real.runtime.policy import OnnxPolicy
from sim2real.training import runner
from sim2real.training.algorithms.ppo import Ppo
from sim2real.training.checkpoint import load_checkpoint
from sim2real.training.metrics_file import read_metrics
from sim2real.training.run_folder import CHECKPOINTS_KEPT, RunFolder
from sim2real.training.saved_policy import export_run, load_saved_policy

SMALL = (
    "environments=16",
    "steps=512",
    "checkpoint_every=1",
    "evaluation_episodes=4",
    "task.episode_duration=0.3 s",
    "algorithm.rollout_steps=8",
    "algorithm.minibatches=2",
    "algorithm.hidden=[16, 16]",
    "threads=1",
)


def small(*overrides):
    return load_experiment("pendulum_ppo", (*SMALL, *overrides))


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    return runner.train(small(), tmp_path_factory.mktemp("runs") / "whole", progress=False)


def test_a_run_leaves_configuration_figures_checkpoints_and_policy(finished):
    run = finished.run
    assert load_experiment(str(run.config)) == small()
    lines = read_metrics(run.metrics)
    assert [line["iteration"] for line in lines] == [1, 2, 3, 4]
    assert lines[-1]["steps"] == finished.steps == 512
    assert [int(path.stem) for path in run.all_checkpoints()] == list(range(5))[-CHECKPOINTS_KEPT:]
    assert list(run.path.glob("events.out.tfevents.*"))
    assert finished.parity <= 1e-5
    json.dumps(finished.document())


def test_the_runtime_loads_the_policy_and_acts_as_torch_does(finished):
    exported, saved = OnnxPolicy(finished.policy), load_saved_policy(finished.run.path)
    seen = np.random.default_rng(0).normal(size=(1, exported.contract.observation_size)).astype(np.float32)
    np.testing.assert_allclose(exported.act(seen), saved.act(seen), atol=1e-5)
    assert exported.provenance["steps"] == "512"
    assert exported.provenance["seed"] == "0"


def test_an_onnx_file_knows_its_experiment(finished, tmp_path):
    report = export_run(finished.run.path, tmp_path / "again.onnx")
    saved = load_saved_policy(report.path)
    assert saved.experiment == small()
    assert saved.act(np.zeros((3, saved.experiment.environments // 16 * 5), np.float32)).shape == (3, 1)


def test_a_resumed_run_equals_an_uninterrupted_one(finished, tmp_path, monkeypatch):
    whole = load_checkpoint(finished.run.latest_checkpoint())
    stop_after(monkeypatch, 2)
    with pytest.raises(KeyboardInterrupt):
        runner.train(small(), tmp_path / "half", progress=False)
    monkeypatch.undo()
    half = RunFolder.open(tmp_path / "half")
    assert load_checkpoint(half.latest_checkpoint()).iteration == 2
    runner.resume(half.path, progress=False)
    resumed = load_checkpoint(half.latest_checkpoint())
    assert resumed.steps == whole.steps
    assert all(torch.equal(whole.policy[name], resumed.policy[name]) for name in whole.policy)
    assert torch.equal(whole.algorithm["raw"], resumed.algorithm["raw"])
    assert [line["iteration"] for line in read_metrics(half.metrics)] == [1, 2, 3, 4]


MOVING = (
    "episode_duration=0.1 s",
    "randomization.parameters=[{parameter: motor_constant, range: [0.9, 1.1]}]",
    "task.performance={term: alive}",
    "task.privileged=[parameters, joint_state]",
    "curriculum={strategy: adr, buffer: 2}",
)


def test_a_resumed_run_with_curriculum_and_privileged_values_equals_an_uninterrupted_one(tmp_path, monkeypatch, leaves):
    whole = runner.train(small(*MOVING), tmp_path / "whole", progress=False)
    stop_after(monkeypatch, 2)
    with pytest.raises(KeyboardInterrupt):
        runner.train(small(*MOVING), tmp_path / "half", progress=False)
    monkeypatch.undo()
    half = runner.resume(tmp_path / "half", progress=False)
    states = [load_checkpoint(report.run.latest_checkpoint()) for report in (whole, half)]
    expected, found = (leaves([state.policy, state.algorithm, state.environment]) for state in states)
    assert len(expected) == len(found) > 60
    for one, other in zip(expected, found, strict=True):
        assert torch.equal(one, other) if isinstance(one, torch.Tensor) else one == other
    entropies = [line["curriculum/entropy"] for line in read_metrics(whole.metrics)]
    assert entropies[-1] > entropies[0]
    assert entropies == [line["curriculum/entropy"] for line in read_metrics(half.metrics)]
    assert whole.document()["curriculum"] == str(whole.run.path / "curriculum.png")
    assert (tmp_path / "half" / "curriculum.png").read_bytes().startswith(b"\x89PNG")


def test_a_run_without_a_moving_curriculum_draws_no_figure(finished):
    assert finished.document()["curriculum"] is None


def stop_after(monkeypatch, iterations):
    """Raise SIGINT, as Ctrl-C does, in the middle of an iteration."""
    iterate, begun = Ppo.iterate, itertools.count(1)

    def counting(learner, progress):
        if next(begun) == iterations:
            signal.raise_signal(signal.SIGINT)
        return iterate(learner, progress)

    monkeypatch.setattr(Ppo, "iterate", counting)


def test_figures_after_the_checkpoint_are_dropped_on_resume(finished, tmp_path, monkeypatch):
    stop_after(monkeypatch, 2)
    with pytest.raises(KeyboardInterrupt):
        runner.train(small(), tmp_path / "run", progress=False)
    monkeypatch.undo()
    run = RunFolder.open(tmp_path / "run")
    with run.metrics.open("a", encoding="utf-8") as file:
        file.write('{"iteration": 3, "steps": 384}\n{"iteration": 4, "st')
    runner.resume(run.path, progress=False)
    assert [line["iteration"] for line in read_metrics(run.metrics)] == [1, 2, 3, 4]


def test_invalid_requests_get_one_clear_line(finished, tmp_path):
    with pytest.raises(UserError, match="is not empty"):
        runner.train(small(), finished.run.path, progress=False)
    with pytest.raises(UserError, match="all 512 steps are done"):
        runner.resume(finished.run.path, progress=False)
    with pytest.raises(UserError, match="cannot change when a run is resumed"):
        runner.resume(finished.run.path, ("algorithm.discount=0.9",), progress=False)
    with pytest.raises(UserError, match="not a run"):
        runner.resume(tmp_path, progress=False)
    with pytest.raises(UserError, match="cannot be read"):
        load_saved_policy(tmp_path / "missing.onnx")
    (tmp_path / "junk.onnx").write_bytes(b"junk")
    with pytest.raises(UserError, match="not an ONNX model"):
        load_saved_policy(tmp_path / "junk.onnx")


def test_a_run_that_was_stopped_after_its_last_step_is_evaluated_and_exported(finished, tmp_path):
    run = RunFolder(tmp_path / "run")
    shutil.copytree(finished.run.path, run.path)
    for content in (None, b"", finished.policy.read_bytes()[:500], "older"):
        run.policy.unlink(missing_ok=True)
        if content == "older":
            shutil.copy(runner.train(small("steps=128"), tmp_path / "short", progress=False).policy, run.policy)
        elif content is not None:
            run.policy.write_bytes(content)
        again = runner.resume(run.path, progress=False)
        assert (again.steps, again.steps_per_second) == (512, 0.0)
        assert again.evaluation.return_mean == finished.evaluation.return_mean
        assert OnnxPolicy(run.policy).provenance["steps"] == "512"
    with pytest.raises(UserError, match="all 512 steps are done"):
        runner.resume(run.path, progress=False)


def test_a_run_of_another_length_than_it_was_begun_with_says_how_it_differs(finished, tmp_path, capsys):
    shutil.copytree(finished.run.path, tmp_path / "run")
    runner.resume(tmp_path / "run", ("steps=640",), progress=False)
    said = capsys.readouterr().err
    assert "followed 512 steps so far, and follows 640 steps from here on: the result differs from that of one" in said
    runner.resume(tmp_path / "run", ("steps=768", "training_duration=100 s"), progress=False)
    assert "follows 768 steps or 100 s from here on" in capsys.readouterr().err


def test_a_full_disk_names_what_was_saved_and_it_stays_readable(tmp_path, monkeypatch):
    import os

    fsync, calls = os.fsync, []

    def full(descriptor):
        calls.append(descriptor)
        if len(calls) > 4:  # configuration, the start and two checkpoints fit
            raise OSError(errno.ENOSPC, "No space left on device")
        fsync(descriptor)

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(UserError, match=r"No space left on device; saved before: .*000002\.pt"):
        runner.train(small(), tmp_path / "run", progress=False)
    assert load_checkpoint(RunFolder(tmp_path / "run").latest_checkpoint()).iteration == 2
    assert len(read_metrics(tmp_path / "run" / "metrics.jsonl")) == 3
