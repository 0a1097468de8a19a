"""Provenance of a policy, written as text into the exported model."""

import hashlib
import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

from sim2real.configs.load import dump
from sim2real.configs.schema.experiment import ExperimentConfig

_PACKAGES: Final = ("sim2real", "torch", "mujoco", "numpy", "onnx")
_GIT_TIMEOUT_S: Final = 5.0


def provenance_of(experiment: ExperimentConfig, *, steps: int, iterations: int, seconds: float) -> dict[str, str]:
    """Return the experiment and its digest, seed, amount of training, versions, source revision and time (UTC)."""
    text = dump(experiment)
    entries = {
        "experiment": experiment.name,
        "experiment_yaml": text,
        "experiment_sha256": hashlib.sha256(text.encode()).hexdigest(),
        "algorithm": experiment.algorithm.name,
        "seed": str(experiment.seed),
        "steps": str(steps),
        "iterations": str(iterations),
        "training_seconds": f"{seconds:.1f}",
        "exported_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
    }
    entries |= {f"version.{name}": found for name in _PACKAGES if (found := _version(name))}
    revision = _git_revision()
    return entries | ({"git_commit": revision} if revision else {})


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def _git_revision() -> str:
    """Return the git commit of this source, with `+dirty` if edited; empty for an installed package."""
    folder = Path(__file__).resolve().parent
    if not (folder.parent / ".git").exists():
        return ""

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(folder), *arguments]
        result = subprocess.run(command, capture_output=True, text=True, timeout=_GIT_TIMEOUT_S, check=True)  # noqa: S603 - fixed arguments
        return result.stdout.strip()

    try:
        return git("rev-parse", "HEAD") + ("+dirty" if git("status", "--porcelain", "--untracked-files=no") else "")
    except (OSError, subprocess.SubprocessError):
        return ""
