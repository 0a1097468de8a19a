"""The `report` command: an HTML page of a training run, or of a run's log."""

from pathlib import Path
from tempfile import TemporaryDirectory
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
_EPISODE_S = 10.0  # of a run's policy; an ended episode is followed by the next
_LOG_S_MAX = 60.0  # the end of a log


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
    video: Annotated[
        bool, typer.Option("--video", help="Render an episode of the run, or what the joints did in the log, into it.")
    ] = False,
    robot: Annotated[
        str | None, typer.Option("--robot", help="For a video of a log: its robot, where that is not shipped.")
    ] = None,
    json_output: Json = False,
) -> Outcome:
    """Write one HTML page of a training run or of a log: verdict, figures, pictures; nothing else is needed to read it.

    Example: sim2real report first --video
    """
    if robot is not None and not video:
        raise UserError("--robot: is for a video of a log; valid: with --video")
    found = source if source.is_file() or source.suffix == ".mcap" else _kept(source) or find_run(source)
    page = output if output is not None else _beside(found)
    check_output(page, [found])
    stage(f"reading {found}")
    with TemporaryDirectory(prefix="sim2real-report-") as folder:
        document = _write(found, page, _filmed(found, robot, Path(folder) / "video.mp4") if video else None)
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


def _filmed(source: Path, robot: str | None, video: Path) -> Path:
    """Write the video of a run's policy, or of the end of a log; return its file."""
    try:
        from sim2real.training.view.film import film
        from sim2real.training.view.subject import show_of
    except ModuleNotFoundError as error:
        raise MissingExtraError("report --video", str(error.name), "train") from error
    show = show_of(str(source), robot=robot)
    if source.is_dir():
        film(show, video, _EPISODE_S)
        return video
    (time,) = show.controls
    show.put(time.name, max(0.0, time.high - _LOG_S_MAX))
    film(show, video, min(time.high, _LOG_S_MAX))
    return video


def _write(source: Path, page: Path, video: Path | None) -> dict[str, Any]:
    try:
        if source.is_dir():
            from sim2real.training.run_page import report_run

            return report_run(source, page, video).document()
        from sim2real.report.log_page import report_log

        return report_log(source, page, video).document()
    except ModuleNotFoundError as error:
        raise MissingExtraError("report", str(error.name), "train") from error
    except OSError as error:
        raise UserError(f"{page}: cannot be written: {error.strerror}") from error
