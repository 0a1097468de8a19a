"""The `motors` command: finds, inspects, sets up and calibrates motors of any family."""

import sys
from dataclasses import asdict
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.progress import Progress

from sim2real.configs.command_line import typed
from sim2real.configs.command_outcome import Json, Outcome, error_console, reports
from sim2real.hardware.bus.shared_id import shared_id
from sim2real.hardware.commands.ended import tell_what_is_written
from sim2real.hardware.commands.motors_backup import backup, restore_backup
from sim2real.hardware.commands.motors_calibrate import calibrate
from sim2real.hardware.commands.motors_check import check
from sim2real.hardware.commands.motors_find import find
from sim2real.hardware.commands.motors_move import move
from sim2real.hardware.commands.motors_options import Baudrate, Id, Port, ProtocolName
from sim2real.hardware.commands.motors_port import open_port
from sim2real.hardware.commands.motors_set_up import adopt, setup
from sim2real.hardware.commands.motors_torque_off import torque_off
from sim2real.hardware.commands.motors_watch import monitor, show
from sim2real.hardware.commands.motors_wiggle import wiggle
from sim2real.hardware.workbench.change import change_baudrate, change_id
from sim2real.hardware.workbench.interface import FoundMotor
from sim2real.hardware.workbench.port import WorkbenchPort
from sim2real.hardware.workbench.scan import baudrates_to_try, find_on_port, scan_port
from sim2real.hardware.workbench.written import Written

app = typer.Typer(help="Find, inspect, set up and calibrate motors on a bus.", no_args_is_help=True)


@app.command()
@reports
def scan(
    port: Port,
    protocol: ProtocolName = None,
    baudrate: Baudrate = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Go on after the first motors: every protocol at every baud rate.")
    ] = False,
    json_output: Json = False,
) -> Outcome:
    """List the motors on a bus; by default it tries likely baud rates first, and ends where motors answer.

    Example: sim2real motors scan --port /dev/ttyUSB0
    """
    with open_port(port, protocol) as opened:
        found, shared = _scan(opened, baudrate, everything)
    for motor in shared:
        error_console().print(f"warning: {shared_id(motor)}", markup=False)
    seen = error_console().is_terminal and sys.stdout.isatty()
    lines = [f"{len(found)} motors answer"] if seen and found else [_line(motor) for motor in found]
    document: dict[str, Any] = {"motors": [asdict(motor) for motor in found]}
    if shared:
        document["shared_ids"] = shared
    after = (typed("motors", "check", "--port", port),) if found else _look_further(port, everything)
    return Outcome(document, "\n".join(lines) or f"no motor answers on {escape(port)}", next=after)


def _look_further(port: str, everything: bool) -> tuple[str, ...]:
    return (typed("doctor"),) if everything else (typed("motors", "scan", "--port", port, "--all"), typed("doctor"))


app.command("show")(show)
app.command("monitor")(monitor)


@app.command("set-id")
@reports
def set_id(
    port: Port,
    motor: Id,
    to: Annotated[int, typer.Option("--to", help="The new id.", show_default=False)],
    protocol: ProtocolName = None,
    baudrate: Baudrate = None,
    json_output: Json = False,
) -> Outcome:
    """Change the id of a motor; refused while torque is on or if the id is taken.

    Example: sim2real motors set-id --port /dev/ttyUSB0 --id 1 --to 7
    """

    def change(written: Written) -> Outcome:
        with open_port(port, protocol) as opened:
            bus, found = find_on_port(opened.buses, motor, baudrate)
            change_id(bus, found, to, written)
        after = (typed("motors", "monitor", "--port", port, "--id", to),)
        return Outcome({"id": to, "before": motor}, f"motor {motor} now has id {to}", next=after)

    return tell_what_is_written(change)


@app.command("set-baud")
@reports
def set_baud(
    port: Port,
    motor: Id,
    to: Annotated[int, typer.Option("--to", help="The new baud rate, bit/s.", show_default=False)],
    protocol: ProtocolName = None,
    baudrate: Baudrate = None,
    json_output: Json = False,
) -> Outcome:
    """Change the baud rate of a motor; refused while torque is on.

    Example: sim2real motors set-baud --port /dev/ttyUSB0 --id 1 --to 1000000
    """

    def change(written: Written) -> Outcome:
        with open_port(port, protocol) as opened:
            bus, found = find_on_port(opened.buses, motor, baudrate)
            change_baudrate(bus, found, to, written)
        document = {"id": motor, "baudrate": to, "before": found.baudrate}
        after = (typed("motors", "monitor", "--port", port, "--id", motor, "--baudrate", to),)
        return Outcome(document, f"motor {motor} is now at {to} baud", next=after)

    return tell_what_is_written(change)


@app.command()
@reports
def reboot(
    port: Port, motor: Id, protocol: ProtocolName = None, baudrate: Baudrate = None, json_output: Json = False
) -> Outcome:
    """Restart a motor: switches torque off and clears latched hardware errors.

    Example: sim2real motors reboot --port /dev/ttyUSB0 --id 1
    """
    with open_port(port, protocol) as opened:
        bus, _ = find_on_port(opened.buses, motor, baudrate)
        bus.reboot(motor)
    after = (typed("motors", "check", "--port", port, "--id", motor),)
    return Outcome({"id": motor}, f"motor {motor} has restarted", next=after)


app.command("check")(check)
app.command("calibrate")(calibrate)
app.command("find")(find)
app.command("torque-off")(torque_off)
app.command("backup")(backup)
app.command("restore")(restore_backup)
app.command("test")(wiggle)
app.command("move")(move)
app.command("setup")(setup)
app.command("adopt")(adopt)


def _line(motor: FoundMotor) -> str:
    number = "" if motor.model_number is None else f" ({motor.model_number})"
    name = f"{escape(motor.model or '?')}{number}"
    return f"id {motor.id:3d}  {name}  firmware {motor.firmware}  {motor.protocol}  {motor.baudrate} baud"


def _scan(opened: WorkbenchPort, baudrate: int | None, everything: bool = False) -> tuple[list[FoundMotor], list[int]]:
    """Return the motors, and the ids that several motors share; a terminal sees each motor as it is found."""
    found: list[FoundMotor] = []
    shared: list[int] = []
    total = sum(len(baudrates_to_try(bus, baudrate)) for bus in opened.buses.values())
    console = error_console()
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("", total=total)
        tried = 0

        def advance(protocol: str, speed: int) -> None:
            nonlocal tried
            progress.update(task, completed=tried, description=f"{protocol} at {speed} baud")
            tried += 1

        for motor in scan_port(opened.buses, baudrate, advance, shared, everything):
            found.append(motor)
            if console.is_terminal:
                console.print(_line(motor))
    return found, sorted(set(shared))
