"""Laws of runs that are ended from outside: SIGTERM saves, and a kill at any moment costs no bit of the result."""

import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from sim2real.configs.load import load_experiment
from sim2real.training import runner
from sim2real.training.checkpoint import load_checkpoint
from sim2real.training.metrics_file import read_metrics
from sim2real.training.run_folder import RunFolder

pytestmark = pytest.mark.slow

SMALL = ("environments=16", "checkpoint_every=1", "evaluation_episodes=4", "algorithm.hidden=[16]", "threads=1",
         "task.episode_duration=0.3 s", "idle_share_max=null")  # fmt: skip
ALGORITHMS = {
    "ppo": ("algorithm.rollout_steps=8", "algorithm.minibatches=2"),
    "sac": ("algorithm.warmup=64", "algorithm.iteration_steps=8", "algorithm.batch=16", "algorithm.buffer=40000"),
}


def begun(folder: Path, algorithm: str, steps: int) -> subprocess.Popen[str]:
    """Begin or resume a run in a process of its own."""
    overrides = (f"--set={text}" for text in (*SMALL, *ALGORITHMS[algorithm], f"steps={steps}"))
    new = [f"pendulum_{algorithm}", "--runs-dir", str(folder.parent), "--name", folder.name, *overrides]
    resumed = ["--resume", str(folder)]
    has_checkpoint = bool(RunFolder(folder).all_checkpoints())
    command = [sys.executable, "-m", "sim2real.cli", "train", *(resumed if has_checkpoint else new)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def wait_for_checkpoint(folder: Path, after: int, process: subprocess.Popen[str]) -> None:
    """Wait until a run has written a later checkpoint than `after`, or has ended."""
    for _ in range(6000):
        found = RunFolder(folder).all_checkpoints()
        if process.poll() is not None or (found and int(found[-1].stem) > after):
            return
        time.sleep(0.01)
    pytest.fail("no checkpoint within a minute")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_saves_says_how_to_continue_and_exits_as_ctrl_c_does(number: signal.Signals, tmp_path: Path) -> None:
    process = begun(tmp_path / "run", "ppo", 100_000_000)
    wait_for_checkpoint(tmp_path / "run", 2, process)
    process.send_signal(number)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in said
    run = RunFolder.open(tmp_path / "run")
    saved = load_checkpoint(run.latest_checkpoint())
    assert f"stopped at step {saved.steps}; continue with: sim2real train --resume {run.path}" in said
    assert read_metrics(run.metrics)[-1]["iteration"] == saved.iteration


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_run_that_is_killed_again_and_again_ends_as_one_that_never_was(algorithm: str, tmp_path: Path) -> None:
    folder, steps, randomly = tmp_path / "killed", 128 * 30, random.Random(5)
    for _ in range(3):
        newest = max((int(path.stem) for path in RunFolder(folder).all_checkpoints()), default=0)
        process = begun(folder, algorithm, steps)
        wait_for_checkpoint(folder, newest + randomly.randrange(8), process)
        time.sleep(randomly.random() * 0.05)  # in the middle of an iteration, or of the writing of a checkpoint
        process.kill()
        process.communicate(timeout=60)
    process = begun(folder, algorithm, steps)
    _, said = process.communicate(timeout=120)
    assert process.returncode == 0, said
    experiment = load_experiment(f"pendulum_{algorithm}", (*SMALL, *ALGORITHMS[algorithm], f"steps={steps}"))
    whole = runner.train(experiment, tmp_path / "whole", progress=False).run
    one, other = (load_checkpoint(run.latest_checkpoint()) for run in (RunFolder(folder), whole))
    assert one.iteration == other.iteration == 30
    assert all(torch.equal(one.policy[name], other.policy[name]) for name in one.policy)
    assert torch.equal(one.algorithm["generator"], other.algorithm["generator"])
    assert [line["iteration"] for line in read_metrics(folder / "metrics.jsonl")] == list(range(1, 31))
    assert not list(folder.rglob("*.part"))


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_run_that_was_killed_in_its_first_iteration_goes_on_from_its_start(algorithm: str, tmp_path: Path) -> None:
    experiment = load_experiment(f"pendulum_{algorithm}", (*SMALL, *ALGORITHMS[algorithm], "steps=384"))
    whole = runner.train(experiment, tmp_path / "whole", progress=False).run
    killed = RunFolder(shutil.copytree(whole.path, tmp_path / "killed"))
    first, *later = killed.all_checkpoints()
    for path in (*later, killed.policy, killed.metrics):
        path.unlink()
    assert load_checkpoint(first).iteration == 0
    runner.resume(killed.path, progress=False)
    one, other = (load_checkpoint(run.latest_checkpoint()) for run in (whole, killed))
    assert one.iteration == other.iteration == 3
    assert all(torch.equal(one.policy[name], other.policy[name]) for name in one.policy)
