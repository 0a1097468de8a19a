"""The runs in a folder: what each is, how far it came, and what it takes on the disk. Reads them without torch."""

import shutil
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from sim2real.configs.errors import ConfigError, UserError
from sim2real.configs.policy_reference import RUN_FILE, run_names
from sim2real.configs.yaml_source import read_yaml
from sim2real.training.metrics_file import read_metrics
from sim2real.training.run_folder import RunFolder

ACTIVE_S: Final = 120.0
"""A run whose files changed within this time may still be learning: an iteration takes seconds, a checkpoint more."""


@dataclass(frozen=True)
class SavedRun:
    """One run."""

    name: str
    path: str
    experiment: str | None
    """None where its configuration cannot be read."""
    steps: int
    """Control steps that it has learned from."""
    steps_wanted: int | None
    seed: int | None
    finished: bool
    """Whether it exported its policy."""
    success: float | None
    """Of its latest episodes in training; None if the task has none, or none ended."""
    return_mean: float | None
    bytes: int
    changed_s: float
    """s since its newest file changed."""

    @property
    def active(self) -> bool:
        """Whether it may still be learning."""
        return not self.finished and self.changed_s < ACTIVE_S

    def document(self) -> dict[str, Any]:
        """Return plain data."""
        return asdict(self)


def saved_runs(folder: Path) -> list[SavedRun]:
    """Return the runs in a folder, the one that changed last first."""
    return sorted((saved_run(folder / name) for name in run_names(folder)), key=lambda run: run.changed_s)


def saved_run(folder: Path, now_s: float | None = None) -> SavedRun:
    """Return one run.

    Args:
        folder: Its folder.
        now_s: Time of the system's clock; the present when left out.
    """
    run = RunFolder.open(folder)
    files = [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
    rows = read_metrics(run.metrics) if run.metrics.is_file() else []
    config = _config(run.config)
    newest = max((path.stat().st_mtime for path in files), default=0.0)
    return SavedRun(
        name=folder.name,
        path=str(folder),
        experiment=_text(config.get("name")),
        steps=int(rows[-1].get("steps") or 0) if rows else 0,
        steps_wanted=config["steps"] if isinstance(config.get("steps"), int) else None,
        seed=config["seed"] if isinstance(config.get("seed"), int) else None,
        finished=run.policy.is_file(),
        success=_latest(rows, "episode/success"),
        return_mean=_latest(rows, "episode/return"),
        bytes=sum(path.stat().st_size for path in files),
        changed_s=max(0.0, (time.time() if now_s is None else now_s) - newest),
    )


def differences(one: Path, other: Path) -> list[tuple[str, object, object]]:
    """Return the settings in which two runs differ: key path, value of the first, value of the second."""
    first, second = (dict(_leaves(_config(path / RUN_FILE), "")) for path in (one, other))
    keys = [*first, *(key for key in second if key not in first)]
    return [(key, first.get(key), second.get(key)) for key in keys if first.get(key) != second.get(key)]


def remove(run: SavedRun, *, checkpoints_only: bool) -> None:
    """Remove a run, or its checkpoints alone, which hold the replay buffer. Raises UserError."""
    folder = RunFolder(Path(run.path))
    target = folder.checkpoints if checkpoints_only else folder.path
    if target.is_symlink():
        raise UserError(f"{target}: is a link, and is not followed; remove it by hand")
    try:
        shutil.rmtree(target)
    except OSError as error:
        raise UserError(f"{error.filename or target}: cannot be removed: {error.strerror}") from error


def _latest(rows: list[dict[str, float | None]], name: str) -> float | None:
    return next((value for row in reversed(rows) if (value := row.get(name)) is not None), None)


def _config(path: Path) -> dict[str, Any]:
    try:
        data = read_yaml(path).data
    except ConfigError:
        return {}
    return data if isinstance(data, dict) else {}


def _leaves(value: Any, at: str) -> list[tuple[str, object]]:  # noqa: ANN401 - any YAML
    """Return every value below a mapping with its key path."""
    if isinstance(value, dict):
        return [leaf for key, below in value.items() for leaf in _leaves(below, f"{at}.{key}" if at else str(key))]
    return [(at, value)]


def _text(value: object) -> str | None:
    return None if value is None else str(value)
