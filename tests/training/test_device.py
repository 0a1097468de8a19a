"""Laws of the device that learns: it is there or refused, and a run on it and its files are the same."""

import pytest
import torch
from other_device import other_device

import sim2real
from sim2real.configs.errors import ConfigError, UserError
from sim2real.configs.schema.algorithm import ALGORITHMS
from sim2real.training import device
from sim2real.training.algorithms import make_algorithm
from sim2real.training.checkpoint import load_checkpoint

GPU = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU on this machine")
SHORT = ("environments=8", "steps=512", "algorithm.rollout_steps=16", "evaluation_episodes=2", "checkpoint_every=2")
OFF_POLICY = ("environments=8", "steps=512", "algorithm.warmup=64", "evaluation_episodes=2", "evaluation_every=1")


def weights(report):
    return load_checkpoint(report.run.checkpoint(report.iterations)).policy


@pytest.mark.parametrize("name", ["gpu", "cuda:", "cuda:x", "cuda:-1", "CPU", "", "meta"])
def test_a_device_that_is_none_is_refused_before_anything_begins(name, tmp_path):
    with pytest.raises(UserError, match=r"device.*; valid: .*cpu, cuda, cuda:N"):
        sim2real.train("pendulum_ppo", overrides=SHORT, device=name, runs_dir=tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU on this machine")
@pytest.mark.parametrize("name", ["cuda", "cuda:0", "cuda:7"])
def test_a_gpu_that_is_not_there_is_refused_with_the_reason(name, tmp_path):
    with pytest.raises(UserError, match=rf"^device: {name}: .*valid: cpu$"):
        sim2real.train("pendulum_ppo", overrides=SHORT, device=name, runs_dir=tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("experiment", "settings"), [("pendulum_ppo", (*SHORT, "evaluation_every=1")), ("pendulum_sac", OFF_POLICY)]
)
def test_a_run_on_another_device_gives_the_same_policy_and_goes_on_here(experiment, settings, tmp_path):
    expected = sim2real.train(experiment, overrides=settings, runs_dir=tmp_path, name="here")
    with other_device():
        found = sim2real.train(experiment, overrides=settings, device="cuda", runs_dir=tmp_path, name="there")
    assert device.here() == device.CPU
    one, other = (weights(report) for report in (expected, found))
    assert all(torch.equal(tensor, other[name]) for name, tensor in one.items())
    assert found.evaluation.return_mean == expected.evaluation.return_mean
    assert found.export.parity < 1e-5
    straight, resumed = (
        sim2real.train(resume=tmp_path / name, steps=1024, device="cpu", runs_dir=tmp_path)
        for name in ("here", "there")
    )
    one, other = (weights(report) for report in (straight, resumed))
    assert all(torch.equal(tensor, other[name]) for name, tensor in one.items())


def test_a_learner_that_stays_on_the_processor_is_refused_another_device(point_environment, monkeypatch):
    config = ALGORITHMS["ppo"].config.model_validate({"name": "ppo", "hidden": (8,)})
    monkeypatch.setattr("sim2real.training.on_policy.placed", lambda value: value)
    with other_device(), pytest.raises(ConfigError, match=r"'ppo' learns on the processor alone; valid device: cpu"):
        make_algorithm(config, point_environment(), 0)


@GPU
@pytest.mark.parametrize("experiment", ["pendulum_ppo", "pendulum_sac"])
def test_a_gpu_learns_what_the_processor_learns(experiment, tmp_path):
    settings = SHORT if experiment == "pendulum_ppo" else OFF_POLICY
    here, there = (
        weights(sim2real.train(experiment, overrides=settings, device=name, runs_dir=tmp_path, name=name))
        for name in ("cpu", "cuda")
    )
    assert all(torch.allclose(tensor, there[name], rtol=1e-3, atol=1e-3) for name, tensor in here.items())
