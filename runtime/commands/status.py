"""The `status` command: which policies a robot holds."""

from typing import Annotated

import typer
from rich.markup import escape

from sim2real.configs.command_outcome import Json, Outcome, reports
from sim2real.runtime.flash.destination import destination
from sim2real.runtime.flash.report import slot_document, slot_line
from sim2real.runtime.policy_results import result_lines

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
    """Show which policies a robot holds, verified now, and why this one is active; fails when it cannot be run.

    Example: sim2real status --to robots/desk
    """
    place = destination(to, robot)
    found = place.status()
    record = found.record
    document = {
        "path": place.place,
        "policy": place.policy_path,
        "active": found.active,
        "why": found.why,
        "slots": [slot_document(slot, active=slot.name == found.active) for slot in found.slots],
        "trust": record.terms.trust.model_dump(mode="json") if record.terms.trust else None,
        "trial": record.trial.model_dump(mode="json") if record.trial else None,
        "healthy": list(record.healthy),
        "bad": record.bad,
    }
    lines = [slot_line(slot, active=slot.name == found.active) for slot in found.slots]
    lines.append(f"why     {escape(found.why)}")
    for slot in found.slots:
        if slot.name == found.active and slot.manifest is not None:
            lines += [f"results {escape(line)}" for line in result_lines(slot.manifest.provenance)]
    if record.terms.trust is not None:
        lines.append(f"trust   {record.terms.trust.words()}")
    lines += [f"bad     {digest[:12]}…: {escape(why)}" for digest, why in record.bad.items()]
    reasons = () if found.problem is None else (found.problem,)
    return Outcome(document, "\n".join(lines), ok=found.problem is None, reasons=reasons)
