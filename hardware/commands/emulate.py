"""The `emulate` command: an emulated robot on pseudo-terminals, for any client, until interrupted."""

from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.markup import escape

from sim2real.configs.command_outcome import Json, error_console, print_document
from sim2real.configs.errors import UserError
from sim2real.configs.load import load_faults, load_motor, load_robot
from sim2real.configs.schema.robot import RobotConfig
from sim2real.configs.units import parse_quantity
from sim2real.hardware.emulator.links import PortLinks
from sim2real.hardware.emulator.motors_only import robot_of_motors
from sim2real.hardware.emulator.plant import choose_plant
from sim2real.hardware.emulator.robot import EmulatedRobot
from sim2real.hardware.emulator.serve import serve
from sim2real.hardware.emulator.settings_file import load_settings
from sim2real.hardware.families import motor_family

app = typer.Typer()


@app.command()
def emulate(
    robot: Annotated[str | None, typer.Argument(help="A shipped robot or its YAML file.", show_default=False)] = None,
    motor: Annotated[
        str | None, typer.Option("--motor", help="Instead of a robot: a shipped motor type or its YAML file.")
    ] = None,
    ids: Annotated[str, typer.Option("--ids", help="With --motor: ids, as 1-6 or 1,3,7.")] = "1",
    baudrate: Annotated[
        str, typer.Option("--baudrate", help="With --motor: baud rate of motors and port.")
    ] = "1 Mbaud",
    registers: Annotated[
        Path | None,
        typer.Option("--registers", help="Settings of used motors: a file of `motors backup`; else factory-new."),
    ] = None,
    link: Annotated[
        Path | None,
        typer.Option("--link", help="Make a lasting link to the port; PATH-NAME for each of several ports."),
    ] = None,
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
    control: Annotated[
        Path | None, typer.Option("--control", help="Make a socket for `sim2real hand`: move joints, pull cables.")
    ] = None,
    json_output: Json = False,
) -> None:
    """Start an emulated robot, or motors alone, print the port of each bus and IMU, and serve until interrupted.

    Example: sim2real emulate pendulum --json
    """
    links: list[PortLinks] = []
    try:
        config, chosen = _what(robot, motor, ids, baudrate, plant)
        script, console = None if faults is None else load_faults(faults), error_console()
        console.print(f"plant: {chosen}")

        def prepare(emulated: EmulatedRobot) -> None:
            if registers is not None:
                load_settings(registers, emulated)

        def announce(document: dict[str, Any]) -> None:
            if link is not None:
                links.append(PortLinks(link, {port["name"]: port["path"] for port in document["ports"]}))
            (print_document if json_output else _print_ports)(document)

        def warn(line: str) -> None:
            console.print(f"warning: {escape(line)}")

        serve(config, chosen, script, state, announce, warn, prepare=prepare, control=control)
    except UserError as error:
        if json_output:
            print_document({"ok": False, "reasons": [str(error)]})
        raise
    except KeyboardInterrupt:  # before it served; afterwards that is how `serve` ends
        return
    finally:
        for made in links:
            made.remove()


def _what(robot: str | None, motor: str | None, ids: str, baudrate: str, plant: str) -> tuple[RobotConfig, str]:
    """Return what is emulated, and the name of its plant. Raises UserError."""
    if (robot is None) == (motor is None):
        raise UserError("emulate a robot, or motors alone: `emulate so101` or `emulate --motor sts3215_7v4 --ids 1-6`")
    if robot is not None:
        config = load_robot(robot)
        return config, choose_plant(plant, config)
    type_, numbers, rate = load_motor(str(motor)), _ids(ids), _baud(baudrate)
    made = robot_of_motors(type_, numbers, rate)
    try:
        motor_family(type_.family).emulated_motor(type_, numbers[0], rate)
    except KeyError as error:
        raise UserError(f"--baudrate {baudrate}: {type_.name} has no such baud rate") from error
    return made, "inertia"


def _baud(text: str) -> int:
    """Return a baud rate, with or without its unit. Raises UserError."""
    try:
        return round(parse_quantity(f"{text} baud" if text.strip().isdecimal() else text, "baud"))
    except ValueError as error:
        raise UserError(f"--baudrate {text}: {error}") from error


def _ids(text: str) -> tuple[int, ...]:
    """Return the ids in `1-6` or `1,3,7`. Raises UserError."""
    found: list[int] = []
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        if not first.isdecimal() or (dash and not last.isdecimal()):
            raise UserError(f"--ids {text}: write ids as 1-6 or 1,3,7")
        found += range(int(first), int(last if dash else first) + 1)
    return tuple(found)


def _print_ports(document: dict[str, Any]) -> None:
    for port in document["ports"]:
        ids = f", ids {', '.join(map(str, port['ids']))}" if port["kind"] == "bus" else ""
        typer.echo(f"{port['name']}: {port['path']} ({port['protocol']}, {port['baudrate']} baud{ids})")
