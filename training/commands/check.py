"""The `check` command."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from sim2real.configs.command_outcome import Json, Outcome, reports
from sim2real.configs.errors import MissingExtraError

if TYPE_CHECKING:
    from sim2real.training.checkup import Checkup

app = typer.Typer(help="Look at a robot, a task or an experiment before it is trained.")


@app.command("check")
@reports
def check(
    subject: Annotated[str, typer.Argument(help="Robot, task or experiment: a shipped name or a YAML file.")],
    picture: Annotated[
        Path | None, typer.Option("--picture", help="The sheet of pictures to write; else NAME_check.png here.")
    ] = None,
    no_picture: Annotated[bool, typer.Option("--no-picture", help="Write no pictures; nothing is rendered.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Fail if there is anything to look at.")] = False,
    json_output: Json = False,
) -> Outcome:
    """Check a robot, a task or an experiment: its model, its start, idle and random actions, in one picture sheet.

    Every line is something to look at before training: gravity or contacts that are off, a base without ground, a start
    that moves by itself, rewards that idle robots earn.

    Example: sim2real check quadruped_walk
    """
    try:
        from sim2real.training.checkup import checkup
    except ModuleNotFoundError as error:
        raise MissingExtraError("check", error.name or "mujoco", "train") from error
    found = checkup(subject)
    path = None
    if not no_picture:
        path = picture if picture is not None else Path(f"{found.name}_check.png")
        found.draw(path)
    failed = strict and bool(found.lines)
    reasons = (f"{len(found.lines)} to look at",) if failed else ()
    document = found.document() | {"picture": None if path is None else str(path)}
    return Outcome(document, text(found, path), ok=not failed, reasons=reasons)


def text(found: "Checkup", path: Path | None) -> str:
    """Return the findings for people."""
    start = found.start
    lines = [f"[bold]{escape(found.name)}[/bold], {found.kind.removesuffix('s')} of {escape(found.task.robot.name)}"]
    lines.append("[bold]look at[/bold]:" if found.lines else "nothing to look at in its model and start")
    lines += [f"  - {escape(line)}" for line in found.lines]
    lines.append(
        f"start: equalities hold within {start.residual * 1e3:.2g} mm or mrad; in the first 50 ms with idle actions at "
        f"most {start.linear:.2g} m/s and {start.angular:.2g} rad/s"
    )
    lines.append(found.drop.line)
    if found.rewards is not None:
        lines.append(escape(found.rewards.text))
    if path is not None:
        lines.append(f"pictures: {escape(str(path))}")
    return "\n".join(lines)
