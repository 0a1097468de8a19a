"""The `emulate` command: an emulated robot behind pseudo-terminals, for any client, until it is interrupted."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Annotated, Any, Literal

import typer
from rich.markup import escape

from sim2real.configs.command_outcome import Json, error_console, print_document
from sim2real.configs.errors import UserError
from sim2real.configs.load import load_faults, load_robot
from sim2real.hardware.emulator.plant import choose_plant, make_plant
from sim2real.hardware.emulator.pty import PtyServer
from sim2real.hardware.emulator.robot import EmulatedRobot
from sim2real.hardware.emulator.state import StateFile

app = typer.Typer()


@app.command()
def emulate(
    robot: Annotated[str, typer.Argument(help="A shipped robot or its YAML file.", show_default=False)],
    faults: Annotated[str | None, typer.Option("--faults", help="Shipped faults or their YAML file.")] = None,
    plant: Annotated[
        str, typer.Option("--plant", help="The mechanics: inertia, mujoco, or auto for mujoco where it is installed.")
    ] = "auto",
    speed: Annotated[
        Literal["realtime"], typer.Option("--speed", help="Pseudo-terminals run in real time; lockstep is in-process.")
    ] = "realtime",
    state: Annotated[
        Path | None, typer.Option("--state", help="Keep what motors and IMUs remember without power in this file.")
    ] = None,
    json_output: Json = False,
) -> None:
    """Start an emulated robot and print the port of each bus and IMU; serves until interrupted.

    Example: sim2real emulate pendulum --json
    """
    try:
        _emulate(robot, faults, plant, state, json_output)
    except UserError as error:
        if json_output:
            print_document({"ok": False, "reasons": [str(error)]})
        raise


def _emulate(robot: str, faults: str | None, plant: str, state: Path | None, json_output: bool) -> None:
    config = load_robot(robot)
    script = load_faults(faults) if faults is not None else None
    chosen = choose_plant(plant)
    emulated = EmulatedRobot(config, make_plant(chosen, config), script)
    remembered = _state_file(state, emulated) if state is not None else None
    if remembered is not None:
        remembered.load(emulated.now_ns)
        remembered.save()  # a file that cannot be written shows now
    console = error_console()
    console.print(f"plant: {chosen}")
    server = PtyServer(
        emulated,
        report=lambda line: console.print(f"warning: {escape(line)}"),
        housekeeping=remembered.save if remembered is not None else None,
    )
    try:
        with _until_signal() as stop:
            _announce(emulated, server, json_output)
            server.serve(stop)
    finally:
        server.close()
        if remembered is not None:
            remembered.save()


def _state_file(path: Path, emulated: EmulatedRobot) -> StateFile:
    units = {name: line.unit for name, line in emulated.imus.items()}
    return StateFile(path, emulated.config, emulated.motors, units)


def _announce(emulated: EmulatedRobot, server: PtyServer, json_output: bool) -> None:
    robot = emulated.config
    ports = [_port(emulated, name, path) for name, path in server.ports.items()]
    if json_output:
        print_document({"robot": robot.name, "ports": ports})
        return
    for port in ports:
        ids = f", ids {', '.join(map(str, port['ids']))}" if port["kind"] == "bus" else ""
        typer.echo(f"{port['name']}: {port['path']} ({port['protocol']}, {port['baudrate']} baud{ids})")


def _port(emulated: EmulatedRobot, name: str, path: str) -> dict[str, Any]:
    robot = emulated.config
    is_bus = name in robot.buses
    config = robot.buses[name] if is_bus else robot.imus[name]
    return {
        "name": name,
        "kind": "bus" if is_bus else "imu",
        "protocol": config.protocol,
        "path": path,
        "baudrate": round(config.baudrate),
        "ids": [motor.id for motor in emulated.lines[name].motors] if is_bus else [],
    }


@contextmanager
def _until_signal() -> Iterator[threading.Event]:
    """Turn SIGINT and SIGTERM into an event, so that the ports are removed and the exit status is 0."""
    stop = threading.Event()

    def request(number: int, frame: FrameType | None) -> None:
        stop.set()

    before = {number: signal.signal(number, request) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
