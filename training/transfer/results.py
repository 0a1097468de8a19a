"""What a study has found out so far, kept in its folder: runs that are finished are not done again."""

import hashlib
import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from sim2real.configs.errors import UserError
from sim2real.configs.load import dump
from sim2real.runtime.policy import OnnxPolicy
from sim2real.training.checkpoint import write_atomically
from sim2real.training.environment import Floats
from sim2real.training.evaluation import Act
from sim2real.training.export import onnx_session
from sim2real.training.onnx_graph import INPUT, OUTPUT
from sim2real.training.run_folder import RunFolder
from sim2real.training.runner import train
from sim2real.training.transfer.emulated import evaluate_emulated
from sim2real.training.transfer.performance import WorldPerformance, evaluate_world
from sim2real.training.transfer.study import Run
from sim2real.training.transfer.worlds import World

SEED: Final = 30_000_001
"""Of the episodes that judge; far from the seeds of training."""

_FILE: Final = "transfer.json"
_EMULATED_SECONDS_MAX: Final = 10.0


def is_trained(folder: Path) -> bool:
    """Tell whether the policy of a run is there: it is written last, and whole."""
    return RunFolder(folder).policy.is_file()


def ensure_trained(run: Run, folder: Path, *, progress: bool) -> bool:
    """Train a run unless that is done; return whether it had to be. What was interrupted is trained anew.

    Raises:
        UserError: The folder has a run that was trained in another way.
        KeyboardInterrupt: SIGINT.
    """
    saved = RunFolder(folder)
    if is_trained(folder):
        if saved.config.read_text(encoding="utf-8") != dump(run.experiment):
            raise UserError(
                f"{folder}: was trained in another way than this study asks for; give another --output, "
                "or delete this folder to train it anew"
            )
        return False
    if saved.config.is_file():
        shutil.rmtree(folder)
    train(run.experiment, folder, progress=progress)
    return True


def judge_run(
    folder: Path, worlds: Mapping[str, World], episodes: int, emulated: int, say: Callable[[list[str]], None]
) -> dict[str, WorldPerformance]:
    """Return how the policy of a run does in every world; what was judged before in the same worlds is read.

    Args:
        folder: The run.
        worlds: By name.
        episodes: In each world.
        emulated: Episodes on the emulated robot.
        say: Told the names of the worlds that are judged now, if there are any.
    """
    path = folder / _FILE
    known: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    digests = {name: _digest(world, emulated if world.config.emulator else episodes) for name, world in worlds.items()}
    left = [name for name, digest in digests.items() if known.get(name, {}).get("digest") != digest]
    if left:
        say(left)
    for name in left:
        judgement = _judge(RunFolder(folder).policy, worlds[name], episodes, emulated)
        known[name] = {"digest": digests[name]} | judgement.document()
        write_atomically(path, json.dumps(known, indent=1).encode())
    return {
        name: WorldPerformance.from_document({key: value for key, value in known[name].items() if key != "digest"})
        for name in worlds
    }


def _judge(policy: Path, world: World, episodes: int, emulated: int) -> WorldPerformance:
    if world.config.emulator:
        duration = min(world.task.episode_duration, _EMULATED_SECONDS_MAX)
        return evaluate_emulated(OnnxPolicy(policy), world.task, emulated, duration, seed=SEED)
    return evaluate_world(_act(policy), world.task, world.randomization, episodes, seed=SEED)


def _act(path: Path) -> Act:
    """Return the policy of a file, for many robots at once."""
    session = onnx_session(path.read_bytes())

    def act(observation: Floats) -> Floats:
        action: Floats = np.asarray(session.run([OUTPUT], {INPUT: observation})[0], np.float32)
        return action

    return act


def _digest(world: World, episodes: int) -> str:
    """Return what tells two judgements of one policy apart."""
    text = "\n".join([dump(world.config), dump(world.task), dump(world.randomization), str(episodes)])
    return hashlib.sha256(text.encode()).hexdigest()[:16]
