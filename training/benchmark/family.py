"""The family of algorithms at work: studies of many runs, in one table and one picture."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from sim2real.training.benchmark.studies import STUDIES, Study
from sim2real.training.metrics_file import read_metrics
from sim2real.training.run_folder import RunFolder
from sim2real.training.sweep.figure import sweep_figure
from sim2real.training.sweep.outcome import Group, groups_of
from sim2real.training.sweep.plan import Planned, begin, check
from sim2real.training.sweep.run_all import run_all

_LATE: Final = 0.1
"""Share of a run, at its end, that a cost is the mean of."""


def bench_family(
    runs: Sequence[Planned], output: Path, jobs: int, say: Callable[[str], None], *, train: bool = True
) -> dict[str, Any]:
    """Carry out what is missing of the runs of studies; compare all that is there.

    Args:
        runs: The runs.
        output: Their folder.
        jobs: Runs at a time.
        say: Is told which run comes next.
        train: False: only compare.

    Returns:
        `ratios` of returns over the levels of a study, and of costs over their budgets; `figures` of every group,
        `picture`, `groups`, and `failed` runs, a line each.

    Raises:
        UserError: The folder holds other runs, or a task cannot be made.
    """
    if train:
        check(runs)
    begin(runs, output)
    failed = run_all(runs, output, jobs, say) if train else []
    groups = groups_of(runs, output)
    costs = {group.name: _costs([run for run in runs if run.group == group.name], output) for group in groups}
    panels: dict[str, list[Group]] = {}
    for group in groups:
        study, _, _, task = _parts(group)
        panels.setdefault(f"{study} {task}", []).append(group)
    levels = {
        title: dict(STUDIES[title.partition(" ")[0]].levels.get(title.rpartition(" ")[2], {})) for title in panels
    }
    picture = output / "family.png"
    sweep_figure(panels, picture, levels)
    return {
        "ratios": {key: value for group in groups for key, value in _ratios(group, costs[group.name]).items()},
        "figures": {group.name: group.document() | _cost_figures(costs[group.name]) for group in groups},
        "picture": str(picture),
        "groups": groups,
        "failed": failed,
    }


def _parts(group: Group) -> tuple[str, Study, str, str]:
    """Return name and study, variant and task of a group."""
    name, _, rest = group.name.partition(" ")
    variant, _, task = rest.rpartition(" ")
    return name, STUDIES[name], variant, task


def _ratios(group: Group, costs: list[float]) -> dict[str, float]:
    _, study, variant, task = _parts(group)
    key, mean = group.name.replace(" ", "_"), group.document()["return_mean"]
    levels = study.levels.get(task, {})
    found = (
        {}
        if mean is None
        else {f"{key}/over_{what}": mean / levels[what] for what in levels if _is_of(what, variant, study)}
    )
    if study.budget is not None and costs:
        found[f"{key}/cost_over_budget"] = float(np.mean(costs)) / study.budget[1]
    return found


def _is_of(level: str, variant: str, study: Study) -> bool:
    return level == variant or level not in study.variants


def _costs(runs: Sequence[Planned], output: Path) -> list[float]:
    """Return the cost of the last tenth of each run that has one, in the mean over its iterations."""
    found = []
    for run in runs:
        budget = STUDIES[run.group.partition(" ")[0]].budget
        path = RunFolder(output / run.folder).metrics
        if budget is None or not path.is_file():
            continue
        rows = [value for row in read_metrics(path) if (value := row.get(f"cost/{budget[0]}")) is not None]
        if rows:
            found.append(float(np.mean(rows[-max(round(_LATE * len(rows)), 1) :])))
    return found


def _cost_figures(costs: list[float]) -> dict[str, Any]:
    return {"cost_mean": float(np.mean(costs)), "cost_std": float(np.std(costs))} if costs else {}
