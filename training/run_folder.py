"""The folder of a training run and the paths in it."""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sim2real.configs.errors import UserError

_NUMBERS_MAX: Final = 1000  # of runs that begin in one second
CHECKPOINTS_KEPT: Final = 5
"""Older checkpoints are deleted: each may contain a replay buffer, and the disk would fill up."""


@dataclass(frozen=True)
class RunFolder:
    """Paths of a run."""

    path: Path

    @classmethod
    def create(cls, path: Path, *, numbered: bool = False) -> "RunFolder":
        """Create the folder of a new run; of several processes that ask for one name, one gets it.

        Args:
            path: The folder.
            numbered: Take PATH-2, PATH-3, … where it is taken.

        Raises:
            UserError: It exists and is not empty, or cannot be created.
        """
        for number in range(1, _NUMBERS_MAX if numbered else 2):
            run = cls(path if number == 1 else path.with_name(f"{path.name}-{number}"))
            try:
                if not (run.path.exists() and any(run.path.iterdir())):
                    run.checkpoints.mkdir(parents=True)  # exists for whoever comes second
                    return run
            except FileExistsError:
                continue
            except OSError as error:
                raise UserError(f"{run.path}: cannot be created: {error.strerror}") from error
        raise UserError(
            f"{path}: this folder is not empty; continue a run with --resume {path}, or give another --name"
        )

    def holds_nothing(self) -> bool:
        """Whether it is what a process leaves that is ended between `create` and the first checkpoint."""
        made = {self.checkpoints.name, self.config.name, "model", "modules", "ranks"}
        found = {path.name.removesuffix(".part") for path in self.path.iterdir()}
        return found <= made and not self.all_checkpoints()

    def remove(self) -> None:
        """Remove a run that did not begin."""
        shutil.rmtree(self.path, ignore_errors=True)

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
    def best_policy(self) -> Path:
        """The exported policy with the highest return of the evaluations during training."""
        return self.path / "best.onnx"

    @property
    def best_checkpoint(self) -> Path:
        """The checkpoint of it, without learner and environment."""
        return self.checkpoints / "best.pt"

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
        found = [path for path in self.checkpoints.glob("[0-9]*.pt") if path.stem.isdecimal()]
        return sorted(found, key=lambda path: int(path.stem))  # a millionth iteration has a digit more

    def latest_checkpoint(self) -> Path:
        """Return the newest checkpoint. Raises UserError if there is none."""
        found = self.all_checkpoints()
        if not found:
            raise UserError(f"{self.path}: has no checkpoint yet")
        return found[-1]

    def clear_parts(self) -> None:
        """Delete what a killed process left half written."""
        for folder in (self.path, self.checkpoints):
            for path in folder.glob("*.part"):
                path.unlink(missing_ok=True)

    def prune(self) -> None:
        """Delete all but the newest checkpoints."""
        for path in self.all_checkpoints()[:-CHECKPOINTS_KEPT]:
            path.unlink(missing_ok=True)
