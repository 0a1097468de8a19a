"""The runs of a sweep: every combination of settings with every seed, each in a folder of its own."""

import hashlib
import json
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path
from typing import Final

from sim2real.configs.errors import UserError
from sim2real.training.checkpoint import write_atomically
from sim2real.training.run_folder import RunFolder
from sim2real.training.saved_runs import saved_run
from sim2real.training.train import experiment_of, train

_FILE: Final = "sweep.json"
_NAME_MAX: Final = 80


@dataclass(frozen=True)
class Planned:
    """One run."""

    group: str
    """What its seeds have in common, in words."""
    experiment: str
    """Shipped name or file of an experiment, or gym/ID."""
    algorithm: str | None
    """Of gym/ID; None for an experiment, which names its own."""
    seed: int
    steps: int | None
    """Control steps; None: as the experiment says."""
    overrides: tuple[str, ...] = ()

    @property
    def folder(self) -> str:
        """Its place in the folder of the sweep."""
        name = re.sub(r"[^A-Za-z0-9_.=-]+", "_", self.group).strip("_")
        if len(name) > _NAME_MAX:
            name = f"{name[:_NAME_MAX]}-{hashlib.sha256(self.group.encode()).hexdigest()[:8]}"
        return f"{name}/seed{self.seed}"


def combinations(settings: Mapping[str, Sequence[str]]) -> list[tuple[str, ...]]:
    """Return the overrides of every combination of values, `key=value` each; one without any for no settings."""
    return [
        tuple(f"{key}={value}" for key, value in zip(settings, values, strict=True))
        for values in product(*settings.values())
    ]


def begin(runs: Sequence[Planned], output: Path) -> None:
    """Write a sweep's plan into its folder, or compare it with the one that is there: more runs may come to it.

    Raises:
        UserError: Runs of the same names have other settings there, or the folder cannot be written.
    """
    path = output / _FILE
    plan = {run.folder: _settings(run) for run in runs}
    try:
        before = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: cannot be read as the plan of a sweep: {error}") from error
    for name, settings in plan.items():
        if name in before and before[name] != settings:
            raise UserError(f"{path}: {name} has other settings there; valid: another --output, or the same settings")
    try:
        output.mkdir(parents=True, exist_ok=True)
        write_atomically(path, json.dumps(before | plan, indent=1).encode())
    except OSError as error:
        raise UserError(f"{output}: cannot be written: {error.strerror}") from error


def check(runs: Sequence[Planned]) -> None:
    """Refuse what no run could begin with, before the first one does. Raises UserError, for the first such run."""
    for run in runs:
        experiment_of(run.experiment, (*run.overrides, *_length(run), f"seed={run.seed}"), run.algorithm)


def carry_out(run: Planned, output: Path, *, progress: bool) -> None:
    """Train a run that is not finished, or go on with it where it was stopped.

    Raises:
        UserError: It failed.
        KeyboardInterrupt: SIGINT or SIGTERM; a checkpoint was saved.
    """
    folder = output / run.folder
    if _is_begun(folder):
        train(resume=folder, overrides=_length(run), progress=progress)
        return
    shutil.rmtree(folder, ignore_errors=True)  # one that was killed before its first checkpoint
    train(
        run.experiment,
        algorithm=run.algorithm,
        overrides=(*run.overrides, *_length(run), f"seed={run.seed}"),
        name=folder.name,
        runs_dir=folder.parent,
        progress=progress,
    )


def command_of(run: Planned, output: Path) -> list[str]:
    """Return the arguments of `sim2real` that do the same as `carry_out`."""
    folder = output / run.folder
    if _is_begun(folder):
        return ["train", "--resume", str(folder), *_set(_length(run)), "--json"]
    shutil.rmtree(folder, ignore_errors=True)
    algorithm = [] if run.algorithm is None else ["--algorithm", run.algorithm]
    settings = _set((*run.overrides, *_length(run), f"seed={run.seed}"))
    place = ["--name", folder.name, "--runs-dir", str(folder.parent), "--json"]
    return ["train", run.experiment, *algorithm, *settings, *place]


def _is_begun(folder: Path) -> bool:
    run = RunFolder(folder)
    return run.config.is_file() and any(True for _ in run.all_checkpoints())


def _length(run: Planned) -> tuple[str, ...]:
    return () if run.steps is None else (f"steps={run.steps}",)


def _set(overrides: Sequence[str]) -> list[str]:
    return [word for override in overrides for word in ("--set", override)]


def is_finished(run: Planned, output: Path) -> bool:
    """Return whether a run took all its steps and exported its policy."""
    folder = output / run.folder
    if not RunFolder(folder).config.is_file():
        return False
    saved = saved_run(folder)
    return saved.finished and (run.steps is None or saved.steps >= run.steps)


def _settings(run: Planned) -> dict[str, object]:
    """Return what must not change; a run may be made longer."""
    settings = asdict(run) | {"overrides": list(run.overrides)}
    del settings["steps"]
    return settings
