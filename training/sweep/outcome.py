"""What the runs of a sweep came to: a curve for each run, and figures over the seeds of a group."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from sim2real.training.metrics_file import read_metrics
from sim2real.training.run_folder import RunFolder
from sim2real.training.sweep.plan import Planned, is_finished

_EVALUATED: Final = "evaluation/return"
_TRAINED: Final = "episode/return"
_LAST_SHARE: Final = 0.1
"""Of a run: what its return is the mean of, where nothing was evaluated."""


@dataclass(frozen=True)
class Curve:
    """Returns over the control steps of one run."""

    seed: int
    steps: tuple[float, ...]
    returns: tuple[float, ...]
    """Of evaluations during the training, without noise; of its episodes where there were none."""
    evaluated: bool
    taken: float
    """Control steps of the run so far."""
    seconds: float
    """Time of collecting and learning, s."""
    finished: bool = False
    """Whether the run is complete."""

    @property
    def last(self) -> float:
        """Return at the end: of the last evaluation, or the mean over the last tenth of the run."""
        if self.evaluated:
            return self.returns[-1]
        late = [value for step, value in self if step >= (1.0 - _LAST_SHARE) * self.steps[-1]]
        return float(np.mean(late))

    @property
    def best(self) -> float:
        """Highest return."""
        return max(self.returns)

    def __iter__(self) -> Any:  # noqa: ANN401 - an iterator of pairs
        """Yield steps and return."""
        return iter(zip(self.steps, self.returns, strict=True))


@dataclass(frozen=True)
class Group:
    """The seeds of one setting."""

    name: str
    curves: tuple[Curve, ...]
    """Of those runs that have any return yet."""
    finished: int
    """Runs that are complete."""
    planned: int

    def document(self) -> dict[str, Any]:
        """Return figures as plain data; None where there are none yet.

        They are of the finished runs, as the mean of an end and of a beginning says nothing; before there is one, of
        all.
        """
        curves = [curve for curve in self.curves if curve.finished] or list(self.curves)
        last = [curve.last for curve in curves]
        return {
            "planned": self.planned,
            "finished": self.finished,
            "seeds": [curve.seed for curve in curves],
            "return_mean": float(np.mean(last)) if last else None,
            "return_std": float(np.std(last)) if last else None,
            "best_mean": float(np.mean([curve.best for curve in curves])) if last else None,
            "steps": max(curve.taken for curve in curves) if last else None,
            "seconds_mean": float(np.mean([curve.seconds for curve in curves])) if last else None,
        }


def curve_of(folder: Path, seed: int, *, finished: bool = False) -> Curve | None:
    """Return the curve of a run, which is complete or not; None if it has no return yet."""
    path = RunFolder(folder).metrics
    rows = read_metrics(path) if path.is_file() else []
    for name in (_EVALUATED, _TRAINED):
        points = [(row["steps"], row[name]) for row in rows if row.get(name) is not None]
        if points:
            steps, returns = zip(*points, strict=True)
            spent = sum((row.get(key) or 0.0) for row in rows for key in ("time/collect_s", "time/learn_s"))
            return Curve(seed, steps, returns, name == _EVALUATED, rows[-1]["steps"] or 0.0, spent, finished)
    return None


def groups_of(runs: Iterable[Planned], output: Path) -> list[Group]:
    """Return the groups of a sweep in the order of its plan, with what is there."""
    planned: dict[str, list[Planned]] = {}
    for run in runs:
        planned.setdefault(run.group, []).append(run)
    groups = []
    for name, members in planned.items():
        complete = [is_finished(run, output) for run in members]
        curves = [
            curve_of(output / run.folder, run.seed, finished=done) for run, done in zip(members, complete, strict=True)
        ]
        found = tuple(curve for curve in curves if curve is not None)
        groups.append(Group(name, found, sum(complete), len(members)))
    return groups


def text_of(groups: Iterable[Group]) -> str:
    """Return a table: a line a group."""
    lines = [f"{'':32} {'seeds':>7} {'return':>20} {'best':>10} {'steps':>11} {'s':>8}"]
    for group in groups:
        found, seeds = group.document(), f"{group.finished}/{group.planned}"
        if found["return_mean"] is None:
            lines.append(f"{group.name:32} {seeds:>7} {'-':>20} {'-':>10} {'-':>11} {'-':>8}")
            continue
        spread = f"{found['return_mean']:.1f} ± {found['return_std']:.1f}"
        lines.append(
            f"{group.name:32} {seeds:>7} {spread:>20} {found['best_mean']:>10.1f} {found['steps']:>11.0f} "
            f"{found['seconds_mean']:>8.0f}"
        )
    return "\n".join(lines)
