"""Laws of checkpoints: loaded without executing code, written atomically, resumed bit for bit."""

import errno
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch

from sim2real.configs.errors import UserError
from sim2real.configs.schema.algorithm import PpoConfig
from sim2real.configs.schema.memory import MemoryConfig
from sim2real.configs.schema.off_policy import SacConfig
from sim2real.training.algorithms import make_algorithm
from sim2real.training.checkpoint import Checkpoint, load_checkpoint, save_checkpoint

PPO = PpoConfig(name="ppo", rollout_steps=8, minibatches=2, hidden=(16, 16))
GRU = PpoConfig(name="ppo", rollout_steps=8, minibatches=2, hidden=(16,), memory=MemoryConfig(kind="gru", size=8))
LSTM = PpoConfig(name="ppo", rollout_steps=8, minibatches=2, hidden=(16,), memory=MemoryConfig(kind="lstm", size=8))
SAC = SacConfig(name="sac", batch=32, buffer=512, warmup=64, iteration_steps=6, updates_per_step=1.5, hidden=(16, 16))


def checkpoint_of(learner, environment):
    return Checkpoint(
        experiment="name: test\n",
        contract=environment.contract.model_dump_json(),
        iteration=2,
        steps=256,
        seconds=1.0,
        policy=learner.policy.state_dict(),
        algorithm=learner.state(),
        environment=environment.state_dict(),
    )


@pytest.mark.parametrize(
    ("config", "gift"),
    [(PPO, False), (PPO, True), (GRU, False), (LSTM, True), (SAC, False), (SAC, True)],
    ids=["ppo", "ppo-privileged", "gru", "lstm-privileged", "sac", "sac-privileged"],
)
def test_resuming_after_two_of_four_iterations_gives_the_same_bits(config, gift, point_environment, leaves, tmp_path):
    environment = point_environment(16, episode_steps=11, gift=gift)
    learner = make_algorithm(config, environment, 5)
    learner.start(5)
    for iteration in range(4):
        if iteration == 2:
            save_checkpoint(checkpoint_of(learner, environment), tmp_path / "2.pt")
        learner.iterate(iteration / 4)

    resumed_environment = point_environment(16, seed=77, episode_steps=11, gift=gift)
    resumed = make_algorithm(config, resumed_environment, 99)
    saved = load_checkpoint(tmp_path / "2.pt")
    resumed.policy.load_state_dict(saved.policy)
    resumed.restore(saved.algorithm)
    resumed_environment.load_state_dict(saved.environment)
    for iteration in (2, 3):
        resumed.iterate(iteration / 4)

    expected = leaves([learner.policy.state_dict(), learner.state(), environment.state_dict()])
    found = leaves([resumed.policy.state_dict(), resumed.state(), resumed_environment.state_dict()])
    assert len(expected) == len(found) > 30
    for one, other in zip(expected, found, strict=True):
        assert torch.equal(one, other) if isinstance(one, torch.Tensor) else one == other


def test_the_file_holds_tensors_and_plain_data_only(point_environment, tmp_path):
    environment = point_environment(4)
    learner = make_algorithm(PPO, environment, 0)
    learner.start(0)
    path = tmp_path / "0.pt"
    save_checkpoint(checkpoint_of(learner, environment), path)
    assert torch.load(path, weights_only=True)["iteration"] == 2
    restored = load_checkpoint(path)
    np.testing.assert_array_equal(restored.environment["x"], environment.x)
    assert restored.environment["rng"] == environment.rng.bit_generator.state


class Evil:
    def __reduce__(self):
        return (Path.touch, (Path("executed"),))


def test_a_file_with_code_in_it_is_refused_and_not_executed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    torch.save({"format": 2, "evil": Evil()}, tmp_path / "evil.pt")
    (tmp_path / "pickle.pt").write_bytes(pickle.dumps(Evil()))
    for name in ("evil.pt", "pickle.pt"):
        with pytest.raises(UserError, match="not a readable checkpoint"):
            load_checkpoint(tmp_path / name)
    assert not (tmp_path / "executed").exists()


def test_an_invalid_checkpoint_gets_one_clear_line(tmp_path):
    with pytest.raises(UserError, match="no such checkpoint"):
        load_checkpoint(tmp_path / "missing.pt")
    (tmp_path / "cut.pt").write_bytes(b"PK\x03\x04 cut off")
    with pytest.raises(UserError, match="not a readable checkpoint"):
        load_checkpoint(tmp_path / "cut.pt")
    torch.save({"format": 99}, tmp_path / "other.pt")
    with pytest.raises(UserError, match="format 2"):
        load_checkpoint(tmp_path / "other.pt")
    torch.save({"format": 2, "steps": 3}, tmp_path / "partial.pt")
    with pytest.raises(UserError, match="format 2"):
        load_checkpoint(tmp_path / "partial.pt")


def test_a_full_disk_keeps_the_older_file_and_leaves_no_partial_one(point_environment, tmp_path, monkeypatch):
    environment = point_environment(4)
    learner = make_algorithm(PPO, environment, 0)
    learner.start(0)
    path = tmp_path / "0.pt"
    save_checkpoint(checkpoint_of(learner, environment), path)
    before = path.read_bytes()

    def full(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    learner.iterate(0.0)
    with pytest.raises(UserError, match="No space left on device"):
        save_checkpoint(checkpoint_of(learner, environment), path)
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["0.pt"]
