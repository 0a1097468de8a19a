"""The `flash` command: install a policy on a robot."""

from pathlib import Path
from typing import Annotated

import typer

from sim2real.configs.command_outcome import Json, Outcome, reports
from sim2real.configs.policy_reference import policy_file
from sim2real.runtime.flash.destination import destination_with_robot
from sim2real.runtime.flash.install import flash as install
from sim2real.runtime.flash.report import slot_document, slot_line

app = typer.Typer()


@app.command()
@reports
def flash(
    policy: Annotated[
        Path, typer.Argument(help="A shipped policy, a training run, or an exported ONNX file.", show_default=False)
    ],
    to: Annotated[
        str, typer.Option("--to", help="A folder (with --robot), the name of a shipped target, or its YAML file.")
    ],
    robot: Annotated[
        str | None, typer.Option("--robot", help="The robot of a plain folder: a shipped name or a YAML file.")
    ] = None,
    json_output: Json = False,
) -> Outcome:
    """Install a policy on a robot: verified, tried, switched in one step, and reversible with `rollback`.

    Example: sim2real flash policy.onnx --to robots/desk --robot pendulum
    """
    target, config = destination_with_robot(to, robot)
    result = install(policy_file(policy), config, target)
    document = {
        "path": target.place,
        "policy": target.policy_path,
        "changed": result.changed,
        "installed": slot_document(result.slot, active=True),
        "previous": slot_document(result.previous, active=not result.changed) if result.previous else None,
    }
    verb = "installed" if result.changed else "already active, nothing written"
    return Outcome(document, f"{slot_line(result.slot, active=True)}\n{verb}: {target.policy_path}")
