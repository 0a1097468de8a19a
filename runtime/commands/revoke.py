"""The `revoke` command: mark a policy as bad on a robot."""

from typing import Annotated

import typer
from rich.markup import escape

from sim2real.configs.command_outcome import Json, Outcome, error_console, reports
from sim2real.runtime.flash.destination import destination
from sim2real.runtime.flash.report import installed_document, slot_line

app = typer.Typer()


@app.command()
@reports
def revoke(
    policy: Annotated[str, typer.Argument(help="SHA-256 of the policy; of one on the robot its first digits.")],
    to: Annotated[str, typer.Option("--to", help="A folder, the name of a shipped target, or its YAML file.")],
    why: Annotated[str, typer.Option("--why", help="The reason, for whoever meets it.")] = "no reason was given",
    undo: Annotated[bool, typer.Option("--undo", help="Accept it again.")] = False,
    json_output: Json = False,
) -> Outcome:
    """Mark a policy as bad: it is not flashed, run or gone back to again. If it is active, the robot goes back from it.

    Example: sim2real revoke 3f2a9c01 --to robots/desk --why "falls on carpet"
    """
    place = destination(to, None)
    if undo:
        place.allow(policy)
        return Outcome({"path": place.place, "allowed": policy}, f"{escape(policy)}: accepted again")
    result = place.revoke(policy, why)
    for warning in result.warnings:
        error_console().print(f"warning: {escape(warning)}")
    document = {"path": place.place, "policy": place.policy_path, "changed": result.changed}
    verb = "marked, and gone back from it" if result.changed else "marked"
    return Outcome(document | installed_document(result), f"{verb}\n{slot_line(result.slot, active=True)}")
