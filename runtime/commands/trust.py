"""The `trust` command: give a robot the trusted keys of its target's file."""

from typing import Annotated

import typer
from rich.markup import escape

from sim2real.configs.command_outcome import Json, Outcome, error_console, reports
from sim2real.runtime.flash.destination import destination

app = typer.Typer()


@app.command()
@reports
def trust(
    to: Annotated[str, typer.Option("--to", help="The name of a shipped target, or its YAML file.")],
    json_output: Json = False,
) -> Outcome:
    """Change which keys a robot trusts, to those in the target's file. The first flash does it by itself.

    What is installed and signed by a key that is gone is then neither run nor gone back to.

    Example: sim2real trust --to dog.yaml
    """
    place = destination(to, None)
    terms = place.trust().terms
    problem = place.status().problem
    if problem is not None:
        error_console().print(f"warning: {escape(problem)}; flash one that the robot accepts")
    document = {
        "path": place.place,
        "trust": terms.trust.model_dump(mode="json") if terms.trust else None,
        "warnings": [] if problem is None else [problem],
    }
    return Outcome(document, f"the robot now {terms.trust.words()}" if terms.trust else "")
