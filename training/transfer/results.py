"""Trains and evaluates the runs of a study; results are kept in its folder, and finished runs are not repeated."""

import hashlib
import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from sim2real.configs.errors import UserError
from sim2real.configs.load import dump
from sim2real.runtime.policy import OnnxPolicy
from sim2real.training.checkpoint import write_atomically
from sim2real.training.kept_model import record_of
from sim2real.training.kept_modules import recorded
from sim2real.training.onnx_actor import onnx_actor
from sim2real.training.robot_problem import as_written
from sim2real.training.run_folder import RunFolder
from sim2real.training.runner import train
from sim2real.training.transfer.emulated import evaluate_emulated
from sim2real.training.transfer.performance import WorldPerformance, evaluate_in_world
from sim2real.training.transfer.runs import Run
from sim2real.training.transfer.worlds import World

SEED: Final = 30_000_001
"""Seed of the evaluation episodes; far from the seeds of training."""

_FILE: Final = "transfer.json"
_EMULATED_SECONDS_MAX: Final = 10.0


def is_trained(folder: Path) -> bool:
    """Return whether a run has a policy, which is written last and atomically."""
    return RunFolder(folder).policy.is_file()


def ensure_trained(run: Run, folder: Path, *, progress: bool) -> bool:
    """Train a run unless it is finished; an interrupted run is trained again from the start.

    Returns:
        Whether the run was trained now.

    Raises:
        UserError: The folder contains a run with another experiment.
        KeyboardInterrupt: SIGINT.
    """
    saved = RunFolder(folder)
    if is_trained(folder):
        written = as_written(recorded(run.experiment), record_of(run.experiment.task.robot))
        if saved.config.read_text(encoding="utf-8") != dump(written):
            raise UserError(
                f"{folder}: trained with another experiment than that of this study; give another --output, "
                "or delete this folder to train again"
            )
        return False
    if saved.config.is_file() or saved.checkpoints.is_dir():
        shutil.rmtree(folder)
    train(run.experiment, folder, progress=progress)
    return True


def evaluate_run(
    folder: Path, worlds: Mapping[str, World], episodes: int, emulated: int, say: Callable[[list[str]], None]
) -> dict[str, WorldPerformance]:
    """Return the performance of a run's policy in every world; earlier results in the same worlds are reused.

    Args:
        folder: The run.
        worlds: Worlds by name.
        episodes: Episodes in each world.
        emulated: Episodes on the emulated robot.
        say: Called with the names of the worlds to evaluate now, if any.
    """
    path = folder / _FILE
    known: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    digests = {name: _digest(world, emulated if world.config.emulator else episodes) for name, world in worlds.items()}
    left = [name for name, digest in digests.items() if known.get(name, {}).get("digest") != digest]
    if left:
        say(left)
    for name in left:
        performance = _evaluate(RunFolder(folder).policy, worlds[name], episodes, emulated)
        known[name] = {"digest": digests[name]} | performance.document()
        write_atomically(path, json.dumps(known, indent=1).encode())
    return {
        name: WorldPerformance.from_document({key: value for key, value in known[name].items() if key != "digest"})
        for name in worlds
    }


def _evaluate(policy: Path, world: World, episodes: int, emulated: int) -> WorldPerformance:
    if world.config.emulator:
        duration = min(world.task.episode_duration, _EMULATED_SECONDS_MAX)
        return evaluate_emulated(OnnxPolicy(policy), world.task, emulated, duration, seed=SEED)
    return evaluate_in_world(onnx_actor(policy.read_bytes()), world.task, world.randomization, episodes, seed=SEED)


def _digest(world: World, episodes: int) -> str:
    """Return a digest of the evaluation: world, task, randomisation and number of episodes."""
    text = "\n".join([dump(world.config), dump(world.task), dump(world.randomization), str(episodes)])
    return hashlib.sha256(text.encode()).hexdigest()[:16]
