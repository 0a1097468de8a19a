"""The `history` command: what has happened to the policies of a robot."""

from typing import Annotated

import typer
from rich.markup import escape

from sim2real.configs.command_outcome import Json, Outcome, reports
from sim2real.runtime.flash.destination import destination

app = typer.Typer()


@app.command()
@reports
def history(
    to: Annotated[str, typer.Option("--to", help="A folder, the name of a shipped target, or its YAML file.")],
    json_output: Json = False,
) -> Outcome:
    """Show which policies were installed, passed their trial, failed or were revoked, and why; the oldest first.

    Example: sim2real history --to robots/desk
    """
    place = destination(to, None)
    events = place.status().record.events
    document = {"path": place.place, "events": [event.model_dump(mode="json") for event in events]}
    lines = [
        f"{event.number:>4}  {event.time:%Y-%m-%d %H:%M:%S}  {event.what:<10}"
        f"{f'{event.sha256[:12]}…' if event.sha256 else '':<15}{escape(event.why)}".rstrip()
        for event in events
    ]
    return Outcome(document, "\n".join(lines) or f"{escape(place.place)}: nothing has happened yet")
