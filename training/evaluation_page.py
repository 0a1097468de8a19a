"""Page of an evaluation: returns, success, metrics, rewards by term and ends, with its video."""

import math
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from sim2real.configs.errors import UserError
from sim2real.report.bar_figure import bar_figure
from sim2real.report.html_page import Advice, Exhibit, Listing, Row, write_page
from sim2real.training.evaluate import EvaluationReport
from sim2real.training.evaluation import Evaluation

_GOOD: Final = 0.8
"""Share of episodes that succeed, or survive, of a policy that may go on to a robot."""


def write_evaluation_page(report: EvaluationReport, page: Path) -> None:
    """Write the page. Raises UserError."""
    first = report.rows[0]
    share, word = (first.survival, "survived") if math.isnan(first.success) else (first.success, "succeeded")
    verdict = f"{share:.0%} of {first.episodes} episodes {word} under {first.randomization}."
    with TemporaryDirectory(prefix="sim2real-report-") as folder:
        exhibits = _exhibits(report, Path(folder))
        changes = "".join(f" --set {change}" for change in report.overrides)
        footer = f"Repeat: sim2real eval {report.policy}{changes} --report {page}"
        title = f"Evaluation of {report.policy}: {report.task}"
        try:
            write_page(page, title, share >= _GOOD, verdict, _rows(report.rows), exhibits, footer)
        except OSError as error:
            raise UserError(f"{page}: cannot be written: {error.strerror}") from error


def _rows(rows: tuple[Evaluation, ...]) -> list[Row]:
    found = []
    for row in rows:
        success = "" if math.isnan(row.success) else f"{row.success:.1%} succeeded, "
        found.append(
            Row(
                f"return under {row.randomization}",
                f"{row.return_mean:.2f} ± {row.return_std:.2f}",
                f"{row.episodes} episodes: {success}{row.survival:.1%} survived",
            )
        )
    return found


def _exhibits(report: EvaluationReport, folder: Path) -> list[Exhibit | Listing | Advice]:
    found: list[Exhibit | Listing | Advice] = [Advice(_advice(report.rows))]
    if report.video is not None:
        found.append(Exhibit("Video", report.video, "One episode, rendered by MuJoCo."))
    terms = [name for name in report.rows[0].rewards if any(row.rewards.get(name) for row in report.rows)]
    if terms:
        values = {row.randomization: [row.rewards.get(name, math.nan) for name in terms] for row in report.rows}
        bar_figure([name.replace("_", " ") for name in terms], values, "sum over an episode", folder / "rewards.svg")
        found.append(Exhibit("Rewards by term", folder / "rewards.svg", "Mean of the episodes."))
    metrics = [
        Row(
            f"{name.replace('_', ' ')}, {row.randomization}",
            f"{spread.mean:.4g} ± {spread.std:.4g}",
            f"median {spread.median:.4g}, 90 % below {spread.p90:.4g}",
        )
        for row in report.rows
        for name, spread in row.metrics.items()
    ]
    if metrics:
        found.append(Listing("Metrics of the task", metrics))
    ends = [
        Row(f"{name.replace('_', ' ')}, {row.randomization}", f"{share:.1%}")
        for row in report.rows
        for name, share in row.ends.items()
        if share > 0.0
    ]
    return [*found, Listing("How episodes ended", ends)] if ends else found


def _advice(rows: tuple[Evaluation, ...]) -> dict[str, str]:
    found = {}
    for row in rows:
        if not math.isnan(row.success) and row.success < _GOOD:
            found[f"{row.success:.0%} of the episodes succeeded under {row.randomization}"] = (
                "Train longer, or look at the rewards and the ends below: they say what is missing."
            )
        failures = {name: share for name, share in row.ends.items() if name != "time_limit"}
        worst = max(failures, key=lambda name: failures[name], default="")
        if worst and failures[worst] > 1.0 - _GOOD:
            found[f"{failures[worst]:.0%} of the episodes ended by {worst} under {row.randomization}"] = (
                "A video shows how: `sim2real eval … --video episode.mp4`."
            )
    return found
