"""Report of a training run."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim2real.training.run_folder import RunFolder

if TYPE_CHECKING:  # the report is for people without torch too
    from sim2real.training.best_policy import BestReport
    from sim2real.training.evaluation import Evaluation
    from sim2real.training.export import ExportReport


@dataclass(frozen=True)
class TrainReport:
    """Results of a training run."""

    run: RunFolder
    seed: int
    steps: int
    iterations: int
    seconds: float
    """Time of collecting and learning, including earlier parts of a resumed run, s."""
    steps_per_second: float
    """Environment steps per second, including learning, in this part of the run."""
    evaluation: "Evaluation"
    export: "ExportReport"
    best: "BestReport | None" = None
    """The best of the policies that were evaluated during training; None if none was."""

    @property
    def policy(self) -> Path:
        """The exported policy."""
        return self.export.path

    @property
    def parity(self) -> float:
        """Largest difference between onnxruntime and torch over the observations of the evaluation."""
        return self.export.parity

    @property
    def metrics(self) -> Path:
        """The metrics log, one JSON line per iteration."""
        return self.run.metrics

    @property
    def curriculum(self) -> Path | None:
        """Figure of the curriculum; None without a moving curriculum."""
        return self.run.curriculum if self.run.curriculum.is_file() else None

    def document(self) -> dict[str, Any]:
        """Return the report as plain data."""
        return {
            "ok": True,
            "reasons": [],
            "run": str(self.run.path),
            "policy": str(self.policy),
            "metrics": str(self.metrics),
            "curriculum": str(self.curriculum) if self.curriculum else None,
            "seed": self.seed,
            "steps": self.steps,
            "iterations": self.iterations,
            "seconds": self.seconds,
            "steps_per_second": self.steps_per_second,
            "evaluation": self.evaluation.document(),
            "parity": self.parity,
            "best": self._best(),
        }

    def _best(self) -> dict[str, Any] | None:
        if self.best is None:
            return None
        return {"policy": str(self.best.path), "return_mean": self.best.return_mean, "steps": self.best.steps}
