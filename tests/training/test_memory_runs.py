"""Laws of runs with memory: every part of the stack carries the state, and forgets at the start of an episode."""

import shutil

import numpy as np
import pytest
import torch

import sim2real
from sim2real.configs.errors import UserError
from sim2real.configs.load import load_experiment
from sim2real.runtime.log import read_log
from sim2real.runtime.policy import OnnxPolicy
from sim2real.runtime.replay import replay
from sim2real.training import runner
from sim2real.training.newest_checkpoint import newest_checkpoint
from sim2real.training.run_folder import RunFolder
from sim2real.training.saved_policy import export_run, load_saved_policy

SMALL = ("environments=8", "steps=192", "checkpoint_every=1", "evaluation_every=2", "evaluation_episodes=4",
         "threads=1", "idle_share_max=null", "task.episode_duration=0.4 s", "algorithm.hidden=[8]",
         "algorithm.rollout_steps=8", "algorithm.minibatches=2")  # fmt: skip
GRU, LSTM = "algorithm.memory={kind: gru, size: 6}", "algorithm.memory={kind: lstm, size: 6}"


def small(*overrides):
    return load_experiment("pendulum_ppo", (*SMALL, *overrides))


@pytest.fixture(scope="module")
def taught(tmp_path_factory):
    return runner.train(small(LSTM), tmp_path_factory.mktemp("runs") / "lstm", progress=False)


def test_checkpoint_file_best_file_and_export_act_alike(taught, tmp_path):
    for path in (taught.policy, taught.run.best_policy, export_run(taught.run.path, tmp_path / "again.onnx").path):
        assert OnnxPolicy(path).contract.recurrent_state == ((1, 6), (1, 6))
    rows = [
        sim2real.evaluate(path, episodes=5, seed=3).row("none").return_mean
        for path in (taught.run.path, taught.policy, tmp_path / "again.onnx")
    ]
    assert rows == pytest.approx([rows[0]] * 3, abs=1e-4)


def test_an_evaluation_begins_every_time_without_memory(taught):
    first, second = (sim2real.evaluate(taught.policy, episodes=5, seed=3).document()["rows"] for _ in range(2))
    assert str(first) == str(second)
    act = load_saved_policy(taught.policy).act
    observation = np.ones((2, 5), np.float32)
    fresh = act(observation)
    assert not np.array_equal(act(observation), fresh)
    act.reset(np.array([True, False]))
    again = act(observation)
    assert np.array_equal(again[0], fresh[0])
    assert not np.array_equal(again[1], fresh[1])
    with pytest.raises(ValueError, match="observations of 3 robots for a memory of 2; reset it first"):
        act(np.ones((3, 5), np.float32))


def test_a_run_that_lost_its_end_is_resumed_to_the_same_bits(taught, tmp_path, leaves):
    again = RunFolder.open(shutil.copytree(taught.run.path, tmp_path / "again"))
    for path in (again.policy, again.all_checkpoints()[-1]):
        path.unlink()
    runner.resume(again.path, progress=False)
    expected, found = (
        leaves([saved.policy, saved.algorithm, saved.environment])
        for saved in (newest_checkpoint(taught.run.path), newest_checkpoint(again.path))
    )
    assert len(expected) == len(found) > 60
    for one, other in zip(expected, found, strict=True):
        assert torch.equal(one, other) if isinstance(one, torch.Tensor) else one == other


@pytest.mark.parametrize("memory", [GRU, LSTM])
def test_a_policy_without_memory_is_where_one_with_memory_begins(memory, tmp_path):
    bare = runner.train(small(), tmp_path / "bare", progress=False)
    new = runner.train(small(memory, "steps=64"), tmp_path / "new", progress=False, init_from=bare.run.path)
    assert new.steps == 64
    weights = newest_checkpoint(new.run.path).policy
    assert weights["body.0.weight"].shape == (8, 5 + 6)
    assert weights["body.0.weight"][:, 5:].any()  # it has begun to read its memory
    torch.testing.assert_close(
        weights["body.0.weight"][:, :5], newest_checkpoint(bare.run.path).policy["body.0.weight"], atol=0.1, rtol=0.0
    )
    for other in ((), ("algorithm.memory={kind: gru, size: 5}",)):
        with pytest.raises(UserError, match=r"its policy has another algorithm\.memory; valid: the same"):
            runner.train(small(*other), tmp_path / "refused", progress=False, init_from=new.run.path)


def test_the_emulated_robot_carries_the_state_and_a_replay_reproduces_it(taught, tmp_path):
    log = tmp_path / "run.mcap"
    sim2real.run(taught.policy, robot="pendulum", lockstep=True, duration=0.5, log=log)
    replayed = replay(log, OnnxPolicy(taught.policy))
    assert replayed.mismatches == ()
    assert replayed.ticks > 40
    policy = OnnxPolicy(taught.policy)
    ran = [tick for tick in read_log(log).ticks if tick["ran"]]
    seen = [np.array([tick["observation"]], np.float32) for tick in ran]
    carried = [policy.act(row)[0].copy() for row in seen]
    np.testing.assert_array_equal(carried, np.array([tick["action"] for tick in ran], np.float32))
    policy.reset()
    assert not np.array_equal(policy.act(seen[-1])[0], carried[-1])
