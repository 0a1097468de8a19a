"""Report of a training run: one HTML page with settings, latest metrics and learning curves."""

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from sim2real.configs.errors import UserError
from sim2real.configs.schema.experiment import ExperimentConfig
from sim2real.configs.schema.gymnasium import GymnasiumConfig
from sim2real.report.advice import advice_on_training
from sim2real.report.cost_figure import cost_figure
from sim2real.report.curriculum_figure import curriculum_figure
from sim2real.report.figures import learning_curve
from sim2real.report.html_page import Advice, Exhibit, Row, write_page
from sim2real.report.panel_figure import panel_figure
from sim2real.training.metrics_file import read_metrics
from sim2real.training.run_folder import RunFolder
from sim2real.training.saved_experiment import environment_name, load_training

_SHOWN: Final = ("return", "length", "success", "terminated", "performance")
"""Metrics of the latest episodes; `episode/NAME` in metrics.jsonl."""
_PANELS: Final = (
    ("Rewards by term", ("episode/reward/",), "Sum over an episode."),
    ("Metrics of the task", ("episode/metric/",), "Mean of the episodes that ended in an iteration."),
    ("How episodes ended", ("episode/end/",), "Share of the episodes that ended in an iteration."),
    ("The learner", ("loss/", "policy/", "value/"), "Losses, and the spread and change of the policy."),
)
"""Figures of metrics.jsonl in small panels: title, beginning of their names, caption."""
_TREND_MIN: Final = 8  # iterations
_RISING: Final = 0.05
"""Share of the whole range of returns by which the last quarter must have risen to be still rising."""


@dataclass(frozen=True)
class RunReport:
    """Summary of a training run."""

    run: RunFolder
    experiment: ExperimentConfig | GymnasiumConfig
    rows: list[dict[str, float | None]]
    """Rows of metrics.jsonl."""

    @property
    def steps(self) -> int:
        """Control steps so far."""
        return int(self.rows[-1]["steps"] or 0)

    @property
    def finished(self) -> bool:
        """Whether the run finished and exported a policy."""
        return self.run.policy.is_file()

    @property
    def latest(self) -> dict[str, float]:
        """Latest metrics of episodes by name, without those never measured."""
        found = {}
        for name in _SHOWN:
            values = [row[f"episode/{name}"] for row in self.rows if row.get(f"episode/{name}") is not None]
            if values and (value := values[-1]) is not None:
                found[name] = value
        return found

    @property
    def costs(self) -> dict[str, tuple[float, float]]:
        """Latest mean of every cost of the task in an episode, and its budget, by name."""
        found = dict[str, tuple[float, float]]()
        for name, budget in _budgets(self.experiment).items():
            values = [row[f"episode/cost/{name}"] for row in self.rows if f"episode/cost/{name}" in row]
            if values and (value := values[-1]) is not None:
                found[name] = value, budget
        return found

    def document(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            "kind": "run",
            "run": str(self.run.path),
            "experiment": self.experiment.name,
            **_world(self.experiment),
            "seed": self.experiment.seed,
            "steps": self.steps,
            "iterations": int(self.rows[-1]["iteration"] or 0),
            "finished": self.finished,
            "latest": self.latest,
            "costs": {name: {"latest": latest, "budget": budget} for name, (latest, budget) in self.costs.items()},
        }


def _budgets(experiment: ExperimentConfig | GymnasiumConfig) -> dict[str, float]:
    if isinstance(experiment, GymnasiumConfig):
        return {name: cost.budget for name, cost in experiment.environment.costs.items()}
    return {name: cost.budget for name, cost in experiment.task.costs.items()}


def _world(experiment: ExperimentConfig | GymnasiumConfig) -> dict[str, str | None]:
    """Return what was learned: a robot's task, or an environment; the other is null."""
    if isinstance(experiment, GymnasiumConfig):
        return {"task": environment_name(experiment), "robot": None, "randomization": None}
    return {
        "task": experiment.task.name,
        "robot": experiment.task.robot.name,
        "randomization": experiment.randomization.name,
    }


def report_run(folder: Path, page: Path, video: Path | None = None) -> RunReport:
    """Read a run folder and write its page.

    Args:
        folder: The folder that `sim2real train` made.
        page: The HTML file.
        video: A video of one episode, for the page.

    Raises:
        UserError: The folder is not a run, it has no metrics yet, or the page cannot be written.
    """
    run = RunFolder.open(folder)
    rows = read_metrics(run.metrics) if run.metrics.is_file() else []
    if not rows:
        raise UserError(f"{folder}: the run has no figures yet: it was stopped before its first iteration")
    report = RunReport(run, load_training(str(run.config.resolve())), rows)
    with TemporaryDirectory(prefix="sim2real-report-") as pictures:
        exhibits = _exhibits(report, Path(pictures))
        if video is not None:
            exhibits.insert(1, Exhibit("Video", video, "One episode with the run's policy, rendered by MuJoCo."))
        verdict = f"{report.steps:,} of {report.experiment.steps:,} control steps" + (
            ", finished." if report.finished else "; not finished: no policy was exported yet."
        )
        title, footer = f"Run {folder.name}", f"Written by: sim2real report {folder}"
        write_page(page, title, report.finished, verdict, _rows(report), exhibits, footer)
    return report


def _rows(report: RunReport) -> list[Row]:
    experiment = report.experiment
    algorithm = Row(
        "algorithm", experiment.algorithm.name, f"{experiment.environments} environments, seed {experiment.seed}"
    )
    if isinstance(experiment, GymnasiumConfig):
        world = [Row("environment", environment_name(experiment), "of Gymnasium's interface, for no robot"), algorithm]
    else:
        world = [
            Row("task", experiment.task.name, f"robot {experiment.task.robot.name}"),
            algorithm,
            Row("randomization", experiment.randomization.name, f"curriculum {experiment.curriculum.strategy}"),
        ]
    return [
        *world,
        *(
            Row(f"latest {name}", _figure(name, value), "mean of the latest episodes")
            for name, value in report.latest.items()
        ),
        *(
            Row(f"cost {name}", f"{value:.4g}", f"mean of the latest episodes; budget {budget:.4g}")
            for name, (value, budget) in report.costs.items()
        ),
    ]


def _figure(name: str, value: float) -> str:
    return f"{value:.0%}" if name in ("success", "terminated", "performance") else f"{value:.4g}"


def _exhibits(report: RunReport, folder: Path) -> list[Exhibit | Advice]:
    found: list[Exhibit | Advice] = [Advice(_advice(report))]
    if "return" in report.latest:
        learning_curve(report.rows, folder / "learning.svg")
        found.append(Exhibit("Learning", folder / "learning.svg", "Return and success of training episodes."))
    if report.costs:
        budgets = {name: budget for name, (_, budget) in report.costs.items()}
        cost_figure(report.rows, budgets, folder / "costs.svg")
        found.append(Exhibit("Costs", folder / "costs.svg", "Mean of each cost over control steps, and its budget."))
    steps = np.array([row["steps"] for row in report.rows], np.float64)
    for title, prefixes, caption in _PANELS:
        series = _series(report.rows, prefixes)
        if series:
            picture = folder / f"{title.lower().replace(' ', '_')}.svg"
            panel_figure(steps, series, picture)
            found.append(Exhibit(title, picture, caption))
    experiment, picture = report.experiment, folder / "curriculum.svg"
    if (
        isinstance(experiment, ExperimentConfig)
        and _moved(report.rows)
        and curriculum_figure(report.rows, experiment.randomization.parameters, picture)
    ):
        found.append(Exhibit("Randomisation", picture, "Drawn ranges over the run."))
    return found


def _series(rows: list[dict[str, float | None]], prefixes: tuple[str, ...]) -> dict[str, NDArray[np.float64]]:
    """Return the figures whose names begin so, by their names without it; those that were always 0 are left out."""
    names = dict.fromkeys(name for row in rows for name in row)
    found = {}
    for prefix in prefixes:
        for name in names:
            if name.startswith(prefix):
                values = np.array([np.nan if row.get(name) is None else row[name] for row in rows], np.float64)
                if np.any(np.isfinite(values) & (values != 0.0)):
                    found[name.removeprefix(prefix).replace("_", " ")] = values
    return found


def _advice(report: RunReport) -> dict[str, str]:
    returns = np.array([row["episode/return"] for row in report.rows if row.get("episode/return") is not None])
    tail = returns[-max(len(returns) // 4, 1) :]
    rising = len(tail) >= _TREND_MIN and float(np.polyfit(np.arange(len(tail)), tail, 1)[0]) * len(tail) > _RISING * (
        float(np.ptp(returns)) or 1.0
    )
    diverged = max((row.get("episode/diverged") or 0.0 for row in report.rows), default=0.0)
    return advice_on_training(
        report.run.path.name, report.latest, diverged, finished=report.finished, rising=bool(rising)
    )


def _moved(rows: list[dict[str, float | None]]) -> bool:
    """Return whether any parameter's boundary changed; a fixed curriculum needs no figure."""
    names = [name for name in rows[-1] if name.startswith("curriculum/") and name.endswith(("/low", "/high"))]
    return any(len({row.get(name) for row in rows if name in row}) > 1 for name in names)
