"""The `flash` command: install a policy on a robot."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from sim2real.configs.command_outcome import Json, Outcome, error_console, reports
from sim2real.configs.policy_reference import policy_file
from sim2real.runtime.flash.destination import destination_with_robot
from sim2real.runtime.flash.manifest import FlashError
from sim2real.runtime.flash.report import installed_document, slot_line
from sim2real.runtime.flash.ssh import SshPlace

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
    install_runtime: Annotated[
        Path | None,
        typer.Option("--install-runtime", help="First install sim2real on a target behind ssh, from this wheel."),
    ] = None,
    json_output: Json = False,
) -> Outcome:
    """Install a policy on a robot: verified, tried, switched in one step, and reversible with `rollback`.

    A target's file says whose signature it needs (`sim2real sign`) and how long it is on trial.

    Example: sim2real flash policy.onnx --to robots/desk --robot pendulum
    """
    place = destination_with_robot(to, robot)
    if install_runtime is not None:
        if not isinstance(place, SshPlace):
            raise FlashError(f"--install-runtime {install_runtime}: is for a target behind ssh")
        place.install_runtime(install_runtime)
    result = place.flash(policy_file(policy))
    for warning in result.warnings:
        error_console().print(f"warning: {escape(warning)}")
    document = {"path": place.place, "policy": place.policy_path, "changed": result.changed}
    verb = "installed" if result.changed else "already active, nothing written"
    lines = [slot_line(result.slot, active=True), f"{verb}: {escape(place.policy_path)}"]
    if result.on_trial:
        lines.append("on trial: the robot goes back by itself if it fails; see `sim2real status`")
    return Outcome(document | installed_document(result), "\n".join(lines))
