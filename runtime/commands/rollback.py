"""The `rollback` command: switch a robot back to its previous policy."""

from typing import Annotated

import typer
from rich.markup import escape

from sim2real.configs.command_outcome import Json, Outcome, error_console, reports
from sim2real.runtime.flash.destination import destination
from sim2real.runtime.flash.report import installed_document, slot_line

app = typer.Typer()


@app.command()
@reports
def rollback(
    to: Annotated[str, typer.Option("--to", help="A folder, the name of a shipped target, or its YAML file.")],
    robot: Annotated[
        str | None, typer.Option("--robot", help="Also check that the policy is for this robot: a name or a YAML file.")
    ] = None,
    json_output: Json = False,
) -> Outcome:
    """Switch a robot back to the policy in its other slot, if that is complete and verifies.

    Example: sim2real rollback --to robots/desk
    """
    place = destination(to, robot)
    result = place.rollback()
    for warning in result.warnings:
        error_console().print(f"warning: {escape(warning)}")
    document = {"path": place.place, "policy": place.policy_path} | installed_document(result)
    return Outcome(document, f"{slot_line(result.slot, active=True)}\nback to: {escape(place.policy_path)}")
