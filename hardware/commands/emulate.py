"""The `emulate` command: an emulated robot on pseudo-terminals, for any client, until interrupted."""

from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.markup import escape

from sim2real.configs.command_outcome import Json, error_console, print_document
from sim2real.configs.errors import UserError
from sim2real.configs.load import load_faults, load_robot
from sim2real.hardware.emulator.plant import choose_plant
from sim2real.hardware.emulator.serve import serve

app = typer.Typer()


@app.command()
def emulate(
    robot: Annotated[str, typer.Argument(help="A shipped robot or its YAML file.", show_default=False)],
    faults: Annotated[str | None, typer.Option("--faults", help="Shipped faults or their YAML file.")] = None,
    plant: Annotated[
        str, typer.Option("--plant", help="The mechanics: inertia, mujoco, or auto (mujoco if installed).")
    ] = "auto",
    speed: Annotated[
        Literal["realtime"], typer.Option("--speed", help="Pseudo-terminals run in real time; lockstep is in-process.")
    ] = "realtime",
    state: Annotated[
        Path | None, typer.Option("--state", help="Keep the persistent settings of motors and IMUs in this file.")
    ] = None,
    json_output: Json = False,
) -> None:
    """Start an emulated robot, print the port of each bus and IMU, and serve until interrupted.

    Example: sim2real emulate pendulum --json
    """
    try:
        config, script = load_robot(robot), None if faults is None else load_faults(faults)
        chosen, console = choose_plant(plant), error_console()
        console.print(f"plant: {chosen}")
        announce = print_document if json_output else _print_ports
        serve(config, chosen, script, state, announce, lambda line: console.print(f"warning: {escape(line)}"))
    except UserError as error:
        if json_output:
            print_document({"ok": False, "reasons": [str(error)]})
        raise


def _print_ports(document: dict[str, Any]) -> None:
    for port in document["ports"]:
        ids = f", ids {', '.join(map(str, port['ids']))}" if port["kind"] == "bus" else ""
        typer.echo(f"{port['name']}: {port['path']} ({port['protocol']}, {port['baudrate']} baud{ids})")
