"""The `flash` command: install a policy on a robot, or on several."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from sim2real.configs.command_line import typed
from sim2real.configs.command_outcome import Json, Outcome, error_console, reports
from sim2real.configs.policy_reference import policy_file
from sim2real.runtime.flash.destination import destination_with_robot
from sim2real.runtime.flash.fleet import flash_fleet, members
from sim2real.runtime.flash.manifest import FlashError
from sim2real.runtime.flash.place import Place
from sim2real.runtime.flash.report import installed_document, slot_line
from sim2real.runtime.flash.serial_place import SCHEME
from sim2real.runtime.flash.ssh import SshPlace
from sim2real.runtime.next_lines import NextLines

app = typer.Typer()

_MARKS = {"installed": "green", "already active": "green", "failed": "red", "not tried": "dim"}


@app.command()
@reports
def flash(
    policy: Annotated[
        Path, typer.Argument(help="A shipped policy, a training run, or an exported ONNX file.", show_default=False)
    ],
    to: Annotated[
        list[str],
        typer.Option(
            "--to",
            help="A folder (with --robot), a target by name or YAML, a fleet's YAML, or serial://PORT; repeatable.",
        ),
    ],
    robot: Annotated[
        str | None, typer.Option("--robot", help="The robot of a plain folder: a shipped name or a YAML file.")
    ] = None,
    install_runtime: Annotated[
        Path | None,
        typer.Option("--install-runtime", help="First install sim2real on targets behind ssh, from this wheel."),
    ] = None,
    gate_timeout: Annotated[
        float, typer.Option("--gate-timeout", min=0.0, help="Of several: seconds for the trial of the first.")
    ] = 600.0,
    json_output: Json = False,
) -> Outcome:
    """Install a policy on a robot: verified, tried, switched in one step, and reversible with `rollback`.

    A target's file says whose signature it needs (`sim2real sign`) and how long it is on trial. Of several targets the
    first gets it first; the others follow when it has passed its trial, until one fails.

    Example: sim2real flash policy.onnx --to robots/desk --robot pendulum
    """
    places = [(each, destination_with_robot(each, robot)) for each in members(to)]
    path = policy_file(policy)
    if install_runtime is not None:
        _install(install_runtime, places)
    if len(places) == 1:
        return _one(path, *places[0], robot)
    rows = flash_fleet(path, places, gate_timeout, told=lambda text: error_console().print(escape(text)))
    width = max(len(row.to) for row in rows)
    lines = [
        f"{escape(row.to.ljust(width))}  [{_MARKS[row.state]}]{row.state.ljust(14)}[/]  {escape(row.words)}".rstrip()
        for row in rows
    ]
    documents = [
        {"to": row.to, "state": row.state, "words": row.words} | (installed_document(row.result) if row.result else {})
        for row in rows
    ]
    failed = tuple(f"{row.to}: {row.words}" for row in rows if row.state == "failed")
    after = tuple(typed("status", "--to", _word(row.to)) for row in rows if row.state == "failed")
    return Outcome({"targets": documents}, "\n".join(lines), ok=not failed, reasons=failed, next=after)


def _one(policy: Path, to: str, place: Place, robot: str | None) -> Outcome:
    result = place.flash(policy)
    for warning in result.warnings:
        error_console().print(f"warning: {escape(warning)}")
    document = {"path": place.place, "policy": place.policy_path, "changed": result.changed}
    verb = "installed" if result.changed else "already active, nothing written"
    lines = [slot_line(result.slot, active=True), f"{verb}: {escape(place.policy_path)}"]
    if result.on_trial:
        lines.append("on trial: the robot goes back by itself if it fails; see `sim2real status`")
    given = ("--robot", robot) if robot is not None else ()
    after = (typed("status", "--to", _word(to), *given), *_first_run(policy, to, place, robot))
    return Outcome(document | installed_document(result), "\n".join(lines), next=after)


def _word(to: str) -> Path | str:
    """Return a target as a command line names it."""
    return to if to.startswith(SCHEME) else Path(to)


def _first_run(policy: Path, to: str, place: Place, robot: str | None) -> tuple[str, ...]:
    """Return the command line that runs what was installed, of a folder of this machine."""
    if isinstance(place, SshPlace):
        return ()
    folder = Path(to) if robot is not None else Path(place.policy_path)
    return NextLines(folder, robot or NextLines.of(policy).robot).run()


def _install(wheel: Path, places: list[tuple[str, Place]]) -> None:
    """Install sim2real where it is behind ssh; refuse it for folders of this machine."""
    for to, place in places:
        if not isinstance(place, SshPlace):
            raise FlashError(f"--install-runtime {wheel}: is for targets behind ssh; {to} is none")
        error_console().print(f"{escape(to)}: installing {escape(wheel.name)}")
        place.install_runtime(wheel)
