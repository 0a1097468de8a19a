"""The `status` command: which policies a robot holds."""

from typing import Annotated

import typer

from sim2real.configs.command_outcome import Json, Outcome, reports
from sim2real.runtime.flash.destination import destination
from sim2real.runtime.flash.install import status as read_status
from sim2real.runtime.flash.report import slot_document, slot_line

app = typer.Typer()


@app.command()
@reports
def status(
    to: Annotated[str, typer.Option("--to", help="A folder, the name of a shipped target, or its YAML file.")],
    robot: Annotated[
        str | None, typer.Option("--robot", help="Also check that the policy is for this robot: a name or a YAML file.")
    ] = None,
    json_output: Json = False,
) -> Outcome:
    """Show which policies a robot holds, with their digests verified now; fails when the active one cannot be run.

    Example: sim2real status --to robots/desk
    """
    place, config = destination(to, robot)
    found = read_status(place, config)
    document = {
        "path": place.place,
        "policy": place.policy_path,
        "active": found.active,
        "slots": [slot_document(slot, active=slot.name == found.active) for slot in found.slots],
    }
    lines = [slot_line(slot, active=slot.name == found.active) for slot in found.slots]
    reasons = () if found.problem is None else (found.problem,)
    return Outcome(document, "\n".join(lines), ok=found.problem is None, reasons=reasons)
