"""The `receive` command: the robot's side of a flash over ssh."""

import sys

import typer

from sim2real.configs.command_outcome import EXIT_FAILED
from sim2real.runtime.flash.receive import receive as take

app = typer.Typer()


@app.command()
def receive() -> None:
    """Do one request of a workstation: reads it from standard input, answers on standard output.

    `flash`, `status`, `rollback` and the like start it on the robot; it is not for people.

    Example: sim2real receive < request
    """
    if take(sys.stdin.buffer, sys.stdout.buffer).error is not None:
        raise typer.Exit(EXIT_FAILED)
