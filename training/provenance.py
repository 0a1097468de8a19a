"""Provenance of a policy, written as text into the exported model."""

import hashlib
import json
import math
import platform
import subprocess
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from sim2real.configs.load import dump
from sim2real.configs.plugins import Provider
from sim2real.configs.schema.algorithm import ALGORITHMS
from sim2real.configs.schema.curriculum import CURRICULA
from sim2real.configs.schema.experiment import ExperimentConfig
from sim2real.configs.schema.observation import OBSERVATION_TERMS
from sim2real.configs.schema.training import TrainingConfig
from sim2real.runtime.policy_results import EVALUATION, EvaluationResults, EvaluationRow
from sim2real.training.kept_model import ModelRecord, as_trained_model

if TYPE_CHECKING:
    from sim2real.training.evaluation import Evaluation

_PACKAGES: Final = ("sim2real", "torch", "mujoco", "numpy", "onnx")
_GIT_TIMEOUT_S: Final = 5.0


MODEL: Final = "model"
"""Entry with the record of the model that a policy was trained with, as JSON."""


def provenance_of(
    experiment: TrainingConfig,
    *,
    steps: int,
    iterations: int,
    seconds: float,
    model: ModelRecord | None = None,
    origin: Mapping[str, str] = MappingProxyType({}),
    evaluation: "Evaluation | None" = None,
) -> dict[str, str]:
    """Return where a policy comes from, as text by name.

    Args:
        experiment: Written in full, with its digest.
        steps: Control steps of the training.
        iterations: Iterations of the training.
        seconds: Time of the training, s.
        model: The robot's model, with digests.
        origin: Policy that the training began from.
        evaluation: Results of the policy, under the randomization of its training.

    Returns:
        All that, with versions, source revision and time (UTC).
    """
    if isinstance(experiment, ExperimentConfig) and model is not None:
        text = dump(as_trained_model(experiment, model))
    else:
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
    entries |= {f"version.{provider.package}": provider.version for provider in _providers(experiment)}
    entries |= {} if model is None else {MODEL: json.dumps(model.document())}
    entries |= origin
    entries |= {} if evaluation is None else {EVALUATION: evaluation_results([evaluation]).model_dump_json()}
    revision = _git_revision()
    return entries | ({"git_commit": revision} if revision else {})


def evaluation_results(rows: "Sequence[Evaluation]") -> EvaluationResults:
    """Return the results of an evaluation as a policy's file carries them."""
    return EvaluationResults(
        rows=tuple(
            EvaluationRow(
                randomization=row.randomization,
                episodes=row.episodes,
                return_mean=row.return_mean,
                success=None if math.isnan(row.success) else row.success,
                survival=row.survival,
            )
            for row in rows
        )
    )


def _providers(experiment: TrainingConfig) -> list[Provider]:
    """Return the packages from outside this project that the experiment has parts of."""
    found = [ALGORITHMS.foreign(experiment.algorithm.name)]
    if isinstance(experiment, ExperimentConfig):
        found.append(CURRICULA.foreign(experiment.curriculum.strategy))
        found += [OBSERVATION_TERMS.foreign(entry.term) for entry in experiment.task.observation]
    return [provider for provider in found if provider is not None]


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
