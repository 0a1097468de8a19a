"""The folder of a training run and the paths in it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sim2real.configs.errors import UserError

CHECKPOINTS_KEPT: Final = 5
"""Older checkpoints are deleted: each may contain a replay buffer, and the disk would fill up."""


@dataclass(frozen=True)
class RunFolder:
    """Paths of a run."""

    path: Path

    @classmethod
    def create(cls, path: Path) -> "RunFolder":
        """Create the folder of a new run. Raises UserError if it exists and is not empty."""
        run = cls(path)
        try:
            if path.exists() and any(path.iterdir()):
                raise FileExistsError
            run.checkpoints.mkdir(parents=True)
        except FileExistsError as error:
            raise UserError(
                f"{path}: this folder is not empty; continue a run with --resume {path}, or give another --name"
            ) from error
        except OSError as error:
            raise UserError(f"{path}: cannot be created: {error.strerror}") from error
        return run

    @classmethod
    def open(cls, path: Path) -> "RunFolder":
        """Open an existing run. Raises UserError if there is none."""
        run = cls(path)
        if not run.config.is_file():
            raise UserError(f"{path}: not a run: it has no {run.config.name}")
        return run

    @property
    def config(self) -> Path:
        """The experiment with its references spliced in."""
        return self.path / "config.yaml"

    @property
    def metrics(self) -> Path:
        """The metrics log, one JSON line per iteration."""
        return self.path / "metrics.jsonl"

    @property
    def policy(self) -> Path:
        """The exported policy."""
        return self.path / "policy.onnx"

    @property
    def curriculum(self) -> Path:
        """Figure of the curriculum."""
        return self.path / "curriculum.png"

    @property
    def diverged(self) -> Path:
        """Folder of states before a divergence."""
        return self.path / "diverged"

    @property
    def checkpoints(self) -> Path:
        """Folder of the checkpoints."""
        return self.path / "checkpoints"

    def checkpoint(self, iteration: int) -> Path:
        """Return the path of the checkpoint of an iteration."""
        return self.checkpoints / f"{iteration:06d}.pt"

    def all_checkpoints(self) -> list[Path]:
        """Return the checkpoints, oldest first."""
        return sorted(self.checkpoints.glob("[0-9]*.pt"))

    def latest_checkpoint(self) -> Path:
        """Return the newest checkpoint. Raises UserError if there is none."""
        found = self.all_checkpoints()
        if not found:
            raise UserError(f"{self.path}: has no checkpoint yet")
        return found[-1]

    def prune(self) -> None:
        """Delete all but the newest checkpoints."""
        for path in self.all_checkpoints()[:-CHECKPOINTS_KEPT]:
            path.unlink(missing_ok=True)
