"""Laws of several processes that learn one policy: together they are one process, and they go on where they stopped."""

import os
import shutil
import socket
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
import torch

from sim2real.configs.errors import ConfigError
from sim2real.configs.load import load_experiment
from sim2real.envs.batch_env import BatchEnv
from sim2real.training import team
from sim2real.training.algorithms import make_algorithm
from sim2real.training.newest_checkpoint import newest_checkpoint
from sim2real.training.shared_curriculum import SharedCurriculum, exchange

ENVIRONMENTS, ITERATIONS = 8, 3
SETTINGS = ("algorithm.rollout_steps=12", "algorithm.minibatches=3", "algorithm.epochs=2", "algorithm.hidden=[8]")
REPLAYED = ("algorithm.warmup=32", "algorithm.batch=16", "algorithm.iteration_steps=12", "algorithm.updates_per_step=1",
            "algorithm.buffer=160", "algorithm.hidden=[8]")  # fmt: skip
CASES = {
    "feed_forward": ("pendulum_ppo", SETTINGS, "value"),
    "memory": ("pendulum_ppo", (*SETTINGS, "algorithm.memory={kind: gru, size: 4}"), "value"),
    "symmetry": (
        "quadruped_walk",
        (*SETTINGS, "algorithm.symmetry=data", "algorithm.memory={kind: gru, size: 4}"),
        "value",
    ),
    "costs": ("pendulum_ppo", (*SETTINGS, "task.costs={power: {term: mechanical_power, budget: 0.01}}"), "value"),
    "sac": ("pendulum_sac", REPLAYED, "critic"),
    "sac, symmetry": ("quadruped_walk", ("algorithm={name: sac, symmetry: data}", *REPLAYED), "critic"),
    "sac, value network": ("pendulum_sac", (*REPLAYED, "algorithm.value_network=true"), "critic"),
    "sac, normalised critic": (
        "pendulum_sac",
        (*REPLAYED, "algorithm.normalized_critic={renormalize_after: 8}"),
        "critic",
    ),
}
"""Experiment, changes, and what is compared beside the policy."""

LEARN = """
    import sys, torch
    from pathlib import Path
    sys.path.insert(0, {folder!r})
    from test_team import CASES, learned
    from sim2real.training import team
    team.join()
    for name, (experiment, overrides, part) in CASES.items():
        learner, count = learned(experiment, overrides)
        found = learner.policy.state_dict(), learner.state()[part], count
        torch.save(found, f"{{sys.argv[1]}}/{{name}}{{team.rank()}}.pt")
"""
TRAIN = "import sys; from sim2real.cli import main; sys.exit(main())"


def learned(name, overrides):
    """A learner after some iterations, alone or with the others."""
    torch.set_num_threads(1)
    experiment = load_experiment(name, overrides)
    own = team.share_of(ENVIRONMENTS)
    environment = BatchEnv(experiment.task, experiment.randomization, own, seed=3, threads=1, first=team.rank() * own)
    learner = make_algorithm(experiment.algorithm, environment, 3)
    learner.start(3)
    for iteration in range(ITERATIONS):
        learner.iterate(iteration / ITERATIONS)
    return learner, float(learner.policy.normalizer.moments.count)


def together(code, arguments, *, size=2, timeout=120):
    """Run a program in several processes, as torchrun starts them; return their statuses and messages."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    processes = []
    for rank in range(size):
        shared = {"RANK": str(rank), "WORLD_SIZE": str(size), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
        processes.append(
            subprocess.Popen(
                [sys.executable, "-c", code, *map(str, arguments)],
                env=os.environ | shared,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        )
    results = [process.communicate(timeout=timeout) for process in processes]
    return [process.returncode for process in processes], [out + err for out, err in results]


@pytest.mark.slow
def test_two_processes_with_half_the_environments_each_are_one_process(tmp_path):
    code = textwrap.dedent(LEARN.format(folder=str(Path(__file__).parent)))
    statuses, said = together(code, [tmp_path])
    assert statuses == [0, 0], said
    for case, (experiment, overrides, part) in CASES.items():
        alone, count = learned(experiment, overrides)
        first, second = (torch.load(tmp_path / f"{case}{rank}.pt", weights_only=True) for rank in (0, 1))
        wanted = alone.policy.state_dict(), alone.state()[part]
        for one, two, expected in zip(first[:2], second[:2], wanted, strict=True):
            for name, tensor in expected.items():
                assert torch.equal(one[name], two[name]), (case, name)
                torch.testing.assert_close(one[name], tensor, rtol=1e-3, atol=1e-5, msg=f"{case} {name}")
        assert first[2] == second[2] == count == ENVIRONMENTS * 12 * ITERATIONS


@pytest.mark.slow
@pytest.mark.parametrize(("experiment", "own"), [("pendulum_ppo", SETTINGS), ("pendulum_sac", REPLAYED)])
def test_a_run_of_two_processes_is_resumed_to_the_same_bits_and_only_by_two(experiment, own, tmp_path):
    settings = ("environments=8", "evaluation_episodes=2", "episode_duration=1 s", "idle_share_max=null", "threads=1",
                "checkpoint_every=1", *own)  # fmt: skip
    overrides = [word for each in settings for word in ("--set", each)]
    begin = ["train", experiment, *overrides, "--runs-dir", tmp_path]
    statuses, said = together(TRAIN, [*begin, "--name", "whole", "--set", "steps=288"])
    assert statuses == [0, 0], said
    shutil.copytree(tmp_path / "whole", tmp_path / "parts")
    for folder, lost in (("parts", 2), ("parts/ranks/1", 1)):  # killed, the first one before it had saved as much
        for checkpoint in sorted((tmp_path / folder / "checkpoints").glob("*.pt"))[-lost:]:
            checkpoint.unlink()
    (tmp_path / "parts/policy.onnx").unlink()
    resume = ["train", "--resume", tmp_path / "parts"]
    statuses, said = together(TRAIN, resume)
    assert statuses == [0, 0], said
    one, other = (newest_checkpoint(tmp_path / name) for name in ("whole", "parts"))
    assert one.steps == other.steps == 288
    assert all(torch.equal(tensor, other.policy[name]) for name, tensor in one.policy.items())
    assert (tmp_path / "parts/policy.onnx").is_file()
    assert not (tmp_path / "parts/ranks/1/policy.onnx").exists()
    alone = subprocess.run([sys.executable, "-c", TRAIN, *map(str, resume)], capture_output=True, text=True)
    assert alone.returncode == 1
    assert "2 processes trained it, and there are 1 now; valid: 2" in alone.stderr


KILLED = """
    import os, signal, sys, threading, time
    from pathlib import Path
    from sim2real.cli import main

    def die(folder):
        while len(list(folder.glob("*.pt"))) < 2:
            time.sleep(0.001)
        os.kill(os.getpid(), signal.SIGKILL)

    if os.environ["RANK"] == "1" and os.environ["TORCHELASTIC_RESTART_COUNT"] == "0":
        checkpoints = Path({run!r}) / "ranks/1/checkpoints"
        threading.Thread(target=die, args=(checkpoints,), daemon=True).start()
    sys.exit(main())
"""


@pytest.mark.slow
@pytest.mark.realtime
@pytest.mark.parametrize(("experiment", "own"), [("pendulum_ppo", SETTINGS), ("pendulum_sac", REPLAYED)])
def test_torchrun_goes_on_to_the_same_bits_after_a_process_was_killed_and_the_other_says_so(experiment, own, tmp_path):
    settings = ("environments=8", "evaluation_episodes=2", "episode_duration=1 s", "idle_share_max=null", "threads=1",
                "checkpoint_every=1", "steps=960", *own)  # fmt: skip
    overrides = [word for each in settings for word in ("--set", each)]
    begin = ["train", experiment, *overrides, "--runs-dir", str(tmp_path)]
    statuses, said = together(TRAIN, [*begin, "--name", "whole"])
    assert statuses == [0, 0], said
    script = tmp_path / "script.py"
    script.write_text(textwrap.dedent(KILLED.format(run=str(tmp_path / "killed"))), encoding="utf-8")
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", "--max-restarts=1"]
    done = subprocess.run([*torchrun, str(script), *begin, "--name", "killed"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "process 0 of 2 has lost the others" in done.stderr
    assert "Traceback" not in done.stderr
    one, other = (newest_checkpoint(tmp_path / name) for name in ("whole", "killed"))
    assert one.steps == other.steps == 960
    assert all(torch.equal(tensor, other.policy[name]) for name, tensor in one.policy.items())


def test_alone_everything_is_what_it_was():
    values = torch.arange(6.0).view(2, 3)
    assert team.own(values, 1) is team.summed(values) is values
    assert (team.size(), team.rank(), team.first_of("x"), team.gathered("x")) == (1, 0, "x", ["x"])
    assert team.any_of(True) is True
    assert team.share_of(7) == 7


def test_environments_that_cannot_be_shared_out_and_learners_of_one_process_are_refused(monkeypatch, point_environment):
    monkeypatch.setattr(team, "size", lambda: 2)
    with pytest.raises(ConfigError, match="environments: 7 for 2 processes; valid: a multiple of 2"):
        team.share_of(7)
    with pytest.raises(ConfigError, match=r"'td3' learns in one process, not in 2; valid: ppo, sac"):
        make_algorithm(load_experiment("pendulum_td3").algorithm, point_environment(4), 0)
    remembering = load_experiment("pendulum_sac", ("algorithm.memory={kind: gru, size: 4}",)).algorithm
    with pytest.raises(ConfigError, match="'sac' with memory learns in one process, not in 2"):
        make_algorithm(remembering, point_environment(4), 0)


def test_a_curriculum_learns_the_results_of_all_processes_at_the_end_of_an_iteration(monkeypatch):
    class Counted:
        uniforms, ordered = 3, False

        def __init__(self):
            self.seen = []

        def report(self, tags, values, performance):
            self.seen += performance.tolist()

    kept = [[(np.zeros(1, np.int64), np.zeros((1, 2)), np.array([0.1 + number]))] for number in (0, 1)]
    monkeypatch.setattr(team, "gathered", lambda value: kept)
    inner = Counted()
    one = SharedCurriculum(inner)
    one.report(*kept[0][0])
    assert inner.seen == []
    exchange(one)
    assert inner.seen == [0.1, 1.1]
    exchange(inner)  # one that is not shared


def test_environments_of_another_process_meet_other_episodes():
    task = load_experiment("pendulum_ppo").task
    randomization = load_experiment("pendulum_ppo").randomization
    whole = BatchEnv(task, randomization, 4, seed=5, threads=1).reset_arrays().copy()
    parts = [BatchEnv(task, randomization, 2, seed=5, threads=1, first=first).reset_arrays() for first in (0, 2)]
    np.testing.assert_array_equal(whole, np.concatenate(parts))
