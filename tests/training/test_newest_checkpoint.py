"""Laws of falling back: a checkpoint that cannot be read is named and passed over, wherever it was cut off."""

import io
import zipfile

import pytest
import torch

from sim2real.configs.errors import UserError
from sim2real.configs.load import load_experiment
from sim2real.training import runner
from sim2real.training.checkpoint import load_checkpoint
from sim2real.training.newest_checkpoint import newest_checkpoint
from sim2real.training.run_folder import RunFolder
from sim2real.training.saved_policy import export_run, load_saved_policy

SMALL = ("environments=8", "steps=256", "checkpoint_every=1", "evaluation_episodes=2", "algorithm.rollout_steps=8",
         "algorithm.minibatches=2", "algorithm.hidden=[8]", "threads=1", "task.episode_duration=0.3 s")  # fmt: skip


@pytest.fixture
def run(tmp_path):
    return runner.train(load_experiment("pendulum_ppo", SMALL), tmp_path / "run", progress=False).run


def cut(share):
    def damage(content):
        return content[: int(len(content) * share)]

    return damage


def flipped(content):
    """Return the content with one bit of its largest array the other way round."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        largest = max(archive.infolist(), key=lambda entry: entry.file_size)
        data = archive.read(largest)
    at = content.index(data) + len(data) // 2
    return content[:at] + bytes([content[at] ^ 0x40]) + content[at + 1 :]


@pytest.mark.parametrize(
    "damage",
    [cut(0.0), cut(0.01), cut(0.5), cut(0.999), flipped],
    ids=["empty", "cut at 1 %", "cut at 50 %", "cut at 99.9 %", "flipped"],
)
def test_a_damaged_newest_checkpoint_falls_back_and_says_so(run, damage, tmp_path, capsys):
    whole = load_checkpoint(run.checkpoint(4))
    run.checkpoint(4).write_bytes(damage(run.checkpoint(4).read_bytes()))
    assert newest_checkpoint(run.path).iteration == 3
    said = capsys.readouterr().err
    assert f"{run.checkpoint(4)}: not a readable checkpoint" in said
    assert f"going back to {run.checkpoint(3)}" in said
    load_saved_policy(run.path)
    export_run(run.path, tmp_path / "policy.onnx")
    run.policy.unlink()
    runner.resume(run.path, progress=False)
    again = load_checkpoint(run.checkpoint(4))
    assert all(torch.equal(whole.policy[name], again.policy[name]) for name in whole.policy)
    assert torch.equal(whole.algorithm["raw"], again.algorithm["raw"])


def test_with_no_readable_checkpoint_the_newest_is_named(run):
    for path in run.all_checkpoints():
        path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(UserError, match=r"000004\.pt: not a readable checkpoint"):
        newest_checkpoint(run.path)
    for path in run.all_checkpoints():
        path.unlink()
    with pytest.raises(UserError, match="has no checkpoint yet; begin the run again"):
        newest_checkpoint(run.path)


def test_what_a_killed_process_left_half_written_is_neither_read_nor_left(run):
    (run.checkpoints / "000005.pt.part").write_bytes(b"half")
    (run.path / "config.yaml.part").write_bytes(b"half")
    assert newest_checkpoint(run.path).iteration == 4
    runner.resume(run.path, ("steps=320",), progress=False)
    assert not list(run.path.rglob("*.part"))


def test_the_newest_is_the_one_of_the_last_iteration_not_of_the_last_name(tmp_path):
    run = RunFolder.create(tmp_path / "run")
    for iteration in (999_999, 1_000_000):
        run.checkpoint(iteration).touch()
    (run.checkpoints / "1000001 copy.pt").touch()
    assert run.latest_checkpoint() == run.checkpoint(1_000_000)


@pytest.mark.parametrize(
    "damage", [lambda path: path.write_bytes(path.read_bytes()[:1000]), lambda path: path.unlink()]
)
def test_a_best_policy_that_cannot_be_read_is_chosen_again(damage, tmp_path, capsys):
    experiment = load_experiment("pendulum_ppo", (*SMALL, "evaluation_every=1"))
    run = runner.train(experiment, tmp_path / "run", progress=False).run
    damage(run.best_checkpoint)
    best = runner.resume(run.path, ("steps=512",), progress=False).best
    assert f"warning: {run.best_checkpoint}: " in capsys.readouterr().err
    assert best.steps > 256
    assert load_checkpoint(run.best_checkpoint).steps == best.steps
