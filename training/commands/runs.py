"""The `runs` command: lists, compares and removes training runs."""

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from sim2real.configs.command_outcome import Json, Outcome, error_console, reports
from sim2real.configs.errors import UserError
from sim2real.configs.policy_reference import RUNS, find_run
from sim2real.training.saved_runs import SavedRun, differences, remove, saved_run, saved_runs

app = typer.Typer(help="List, compare and remove training runs.", no_args_is_help=True)

RunsDir = Annotated[Path, typer.Option(help="Folder of the runs.")]
_VALUE_MAX = 24  # characters of a value: two of them and a key fit on a line


@app.command("list")
@reports
def list_runs(runs_dir: RunsDir = RUNS, json_output: Json = False) -> Outcome:
    """List the runs, the newest first: how far each came, its latest success, its size.

    Example: sim2real runs list
    """
    found = saved_runs(runs_dir)
    document = {"runs": [run.document() for run in found]}
    if not found:
        return Outcome(document, f"no runs in {runs_dir}/; begin one with: sim2real train pendulum_ppo --name first")
    width = min(40, max(len(run.name) for run in found))
    lines = [f"{'run':<{width}} {'steps':>20}  {'success':>7} {'return':>8}  {'size':>8}  changed"]
    lines += [escape(_row(run, width)) for run in found]
    return Outcome(document, "\n".join([*lines, f"{len(found)} runs, {_size(sum(run.bytes for run in found))}"]))


@app.command()
@reports
def compare(
    run: Annotated[str, typer.Argument(help="A run, by name or folder.", show_default=False)],
    other: Annotated[str, typer.Argument(help="Another one.", show_default=False)],
    runs_dir: RunsDir = RUNS,
    json_output: Json = False,
) -> Outcome:
    """Show in which settings two runs differ, and what became of each.

    Example: sim2real runs compare first second
    """
    folders = find_run(run, runs_dir), find_run(other, runs_dir)
    one, two = (saved_run(folder) for folder in folders)
    changed = differences(*folders)
    rows = [
        ("steps", f"{one.steps}", f"{two.steps}"),
        ("success", _share(one.success), _share(two.success)),
        ("return", _number(one.return_mean), _number(two.return_mean)),
        *((key, _short(first), _short(second)) for key, first, second in changed),
    ]
    width = min(40, max(len(row[0]) for row in rows))
    lines = [f"{'':<{width}}  {one.name[:_VALUE_MAX]:<{_VALUE_MAX}}  {two.name[:_VALUE_MAX]}"]
    lines += [f"{key:<{width}}  {first:<{_VALUE_MAX}}  {second}" for key, first, second in rows]
    lines += [] if changed else ["the settings are the same"]
    document = {
        "runs": [one.document(), two.document()],
        "differences": [{"key": key, "values": [first, second]} for key, first, second in changed],
    }
    return Outcome(document, escape("\n".join(lines)))


@app.command()
@reports
def clean(
    runs: Annotated[
        list[str] | None, typer.Argument(help="Runs to remove; else those that learned nothing.", show_default=False)
    ] = None,
    checkpoints: Annotated[
        bool, typer.Option("--checkpoints", help="Remove only the checkpoints of finished runs; their policies stay.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    runs_dir: RunsDir = RUNS,
    json_output: Json = False,
) -> Outcome:
    """Remove runs, after a question; one that may still be learning stays.

    Example: sim2real runs clean --checkpoints
    """
    chosen = _chosen(runs or [], checkpoints, runs_dir)
    active = [run.name for run in chosen if run.active]
    if active and runs:
        raise UserError(f"{', '.join(active)}: changed within two minutes and not finished: it may still be learning")
    chosen = [run for run in chosen if not run.active]
    if not chosen:
        return Outcome({"removed": []}, "nothing to remove")
    what = "checkpoints of run" if checkpoints else "run"
    lines = [f"{what} {run.name}: {run.steps} steps, {_size(_bytes(run, checkpoints))}" for run in chosen]
    if not yes and not _agreed(lines):
        return Outcome({"removed": []}, "nothing was removed")
    freed = sum(_bytes(run, checkpoints) for run in chosen)
    for run in chosen:
        remove(run, checkpoints_only=checkpoints)
    document = {"removed": [run.path for run in chosen], "bytes": freed}
    return Outcome(document, f"removed {len(chosen)}, {_size(freed)}")


def _chosen(names: list[str], checkpoints: bool, runs_dir: Path) -> list[SavedRun]:
    """Return what is meant: the runs that were named, or all that fit."""
    found = [saved_run(find_run(name, runs_dir)) for name in names] or saved_runs(runs_dir)
    if checkpoints:
        unfinished = [run.name for run in found if not run.finished]
        if names and unfinished:
            raise UserError(f"{', '.join(unfinished)}: not finished: without its checkpoints it cannot be resumed")
        return [run for run in found if run.finished and _bytes(run, True)]
    return found if names else [run for run in found if not run.finished and run.steps == 0]


def _bytes(run: SavedRun, checkpoints: bool) -> int:
    folder = Path(run.path, "checkpoints") if checkpoints else None
    return run.bytes if folder is None else sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _agreed(lines: list[str]) -> bool:
    if not sys.stdin.isatty():
        raise UserError("there is no terminal to ask on; give --yes to remove: " + "; ".join(lines))
    for line in lines:
        error_console().print(line, markup=False)
    return typer.confirm("remove?", default=False, err=True)


def _row(run: SavedRun, width: int) -> str:
    steps = f"{run.steps}/{run.steps_wanted}" if run.steps_wanted is not None else str(run.steps)
    state = "" if run.finished else (" learning" if run.active else " unfinished")
    return (
        f"{run.name[:width]:<{width}} {steps:>20}  {_share(run.success):>7} {_number(run.return_mean):>8}  "
        f"{_size(run.bytes):>8}  {_ago(run.changed_s)}{state}"
    )


def _ago(seconds: float) -> str:
    for unit, length in (("d", 86_400.0), ("h", 3600.0), ("min", 60.0)):
        if seconds >= length:
            return f"{seconds / length:.0f} {unit} ago"
    return f"{seconds:.0f} s ago"


def _size(count: float) -> str:
    for unit in ("B", "KiB", "MiB"):
        if count < 1024.0:
            return f"{count:.0f} {unit}"
        count /= 1024.0
    return f"{count:.1f} GiB"


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.0%}"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"


def _short(value: object) -> str:
    text = "-" if value is None else str(value)
    return text if len(text) <= _VALUE_MAX else f"{text[: _VALUE_MAX - 1]}…"
