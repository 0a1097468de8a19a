"""The `demo` command: the whole chain on one motor, with a verdict, figures and a video."""

import os
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from sim2real.configs.command_outcome import Json, Outcome, error_console, reports
from sim2real.configs.errors import MissingExtraError, UserError

if TYPE_CHECKING:
    from sim2real.training.demo import Demo

app = typer.Typer()


@app.command()
@reports
def demo(
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Seed of training.")] = 0,
    runs_dir: Annotated[Path, typer.Option(help="Folder of the runs; runs/demo links to the newest demo.")] = Path(
        "runs"
    ),
    overrides: Annotated[
        list[str] | None, typer.Option("--set", help="Override key.path=value of the experiment; may be repeated.")
    ] = None,
    video: Annotated[bool, typer.Option(help="Render a video of the run.")] = True,
    json_output: Json = False,
) -> Outcome:
    """Train, export, flash, and run a swing-up on an emulated motor; fails unless the arm stands up.

    Example: sim2real demo --seed 3
    """
    try:
        from sim2real.training.demo import run_demo
    except ModuleNotFoundError as error:
        raise MissingExtraError("demo", str(error.name), "train") from error
    console = error_console()
    folder = runs_dir / f"demo-{datetime.now().astimezone():%Y%m%d-%H%M%S}-seed{seed}"

    def say(line: str) -> None:
        console.print(f"[bold]{escape(line)}[/bold]")

    done = run_demo(folder, seed, say, tuple(overrides or ()), video=video)
    for warning in (*done.run.warnings, *done.warnings):
        console.print(f"warning: {escape(warning)}")
    _point_to(runs_dir / "demo", folder)
    return Outcome(done.document(), _text(done), ok=done.ok, reasons=() if done.ok else (done.verdict,))


def _point_to(link: Path, folder: Path) -> None:
    """Link runs/demo to the newest demo; a real folder of that name is not touched."""
    if link.exists() and not link.is_symlink():
        return
    temporary = link.with_name(f".{link.name}.{os.getpid()}")
    try:
        temporary.symlink_to(folder.name)
        os.replace(temporary, link)
    except OSError as error:
        raise UserError(f"{link}: cannot be linked to {folder}: {error.strerror}") from error


def _text(done: "Demo") -> str:
    rows = done.rows
    name_width, value_width = max(len(row.name) for row in rows), max(len(row.value) for row in rows)
    lines = [f"{row.name:<{name_width}}  {row.value:>{value_width}}  [dim]{escape(row.note)}[/dim]" for row in rows]
    mark = "[green]ok[/green]" if done.ok else "[red]not ok[/red]"
    paths = [f"{name:<{name_width}}  {escape(str(path))}" for name, path in done.paths.items()]
    return "\n".join([*lines, "", *paths, "", f"{mark}: {escape(done.verdict)}"])
