"""The `report` command: an HTML page of a training run, or of a run's log."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from sim2real.configs.command_outcome import Json, Outcome, reports
from sim2real.configs.errors import MissingExtraError, UserError
from sim2real.configs.output_path import check_output
from sim2real.configs.policy_reference import find_run
from sim2real.configs.stage import stage

app = typer.Typer()

_NAMED_MAX = 8  # folders in a message


@app.command()
@reports
def report(
    source: Annotated[
        Path,
        typer.Argument(
            help="A training run, by name or folder, a log of `run` or `hil`, or a folder that `hil` kept.",
            show_default=False,
        ),
    ],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The HTML file; else RUN/report.html, or LOG.html beside it.")
    ] = None,
    json_output: Json = False,
) -> Outcome:
    """Write one HTML page of a training run or of a log: verdict, figures, pictures; nothing else is needed to read it.

    Example: sim2real report first
    """
    found = source if source.is_file() or source.suffix == ".mcap" else _kept(source) or find_run(source)
    page = output if output is not None else _beside(found)
    check_output(page, [found])
    stage(f"reading {found}")
    document = _write(found, page)
    return Outcome(document | {"report": str(page)}, f"[bold]{escape(str(page))}[/bold]")


def _kept(folder: Path) -> Path | None:
    """Return the log in a folder that a failed scenario left; None in any other.

    Raises:
        UserError: The folder holds such folders; the message names them.
    """
    log = folder / "run.mcap"
    if log.is_file() and (folder / "reasons.txt").is_file():
        return log
    below = sorted(str(path.parent) for path in folder.glob("*/reasons.txt"))
    if below:
        raise UserError(
            f"{folder}: holds {len(below)} scenarios that failed; give one: {', '.join(below[:_NAMED_MAX])}"
        )
    return None


def _beside(source: Path) -> Path:
    return source / "report.html" if source.is_dir() else source.with_suffix(".html")


def _write(source: Path, page: Path) -> dict[str, Any]:
    try:
        if source.is_dir():
            from sim2real.training.run_page import report_run

            return report_run(source, page).document()
        from sim2real.report.log_page import report_log

        return report_log(source, page).document()
    except ModuleNotFoundError as error:
        raise MissingExtraError("report", str(error.name), "train") from error
    except OSError as error:
        raise UserError(f"{page}: cannot be written: {error.strerror}") from error
