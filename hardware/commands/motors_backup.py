"""`motors backup` and `motors restore`: all persistent settings of motors to YAML, and back."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from sim2real.configs.command_line import typed
from sim2real.configs.command_outcome import Json, Outcome, reports
from sim2real.hardware.commands.ended import tell_what_is_written
from sim2real.hardware.commands.motors_options import Baudrate, Port, ProtocolName
from sim2real.hardware.commands.motors_port import open_port
from sim2real.hardware.errors import HardwareError
from sim2real.hardware.workbench.backup import MotorBackup, back_up, read_backups, refuse_taken, restore, write_backups
from sim2real.hardware.workbench.interface import FoundMotor, Workbench
from sim2real.hardware.workbench.port import WorkbenchPort
from sim2real.hardware.workbench.scan import find_on_port, scan_port
from sim2real.hardware.workbench.written import Written

Ids = Annotated[
    list[int] | None,
    typer.Option("--id", help="Id of a motor, repeatable; by default every one.", show_default=False),
]


@reports
def backup(
    file: Annotated[Path, typer.Argument(help="File to write; an existing one is kept.", show_default=False)],
    port: Port,
    motor: Ids = None,
    protocol: ProtocolName = None,
    baudrate: Baudrate = None,
    json_output: Json = False,
) -> Outcome:
    """Write the persistent settings of motors to a YAML file; nothing is written to the motors.

    Example: sim2real motors backup arm.yaml --port /dev/ttyUSB0
    """
    refuse_taken(file)
    with open_port(port, protocol) as opened:
        if motor:
            chosen = [find_on_port(opened.buses, one, baudrate)[1] for one in dict.fromkeys(motor)]
        else:
            chosen = list(scan_port(opened.buses, baudrate))
        if not chosen:
            raise HardwareError(f"no motor answers on {port}: check power, cable and baud rate")
        backups = []
        for found in chosen:
            bus = opened.buses[found.protocol]
            bus.set_baudrate(found.baudrate)
            backups.append(back_up(bus, found))
    write_backups(file, backups)
    document = {"path": str(file), "ids": [one.id for one in backups]}
    after = (typed("motors", "restore", file, "--port", port),)
    return Outcome(document, f"wrote {len(backups)} motors to {file}", next=after)


@reports
def restore_backup(
    file: Annotated[Path, typer.Argument(help="A file that `motors backup` wrote.", show_default=False)],
    port: Port,
    motor: Ids = None,
    json_output: Json = False,
) -> Outcome:
    """Write the settings in a backup to the motors with the same ids, where they differ. Ids and baud rates are kept.

    Example: sim2real motors restore arm.yaml --port /dev/ttyUSB0 --id 3
    """
    saved = {one.id: one for one in read_backups(file)}
    missing = [one for one in motor or () if one not in saved]
    if missing:
        raise HardwareError(f"{file} has no motor {missing[0]}; valid: {', '.join(map(str, saved))}")

    def write_back(written: Written) -> Outcome:
        with open_port(port) as opened:
            # All are found before the first is written.
            chosen = [(saved[one], _find(opened, saved[one])) for one in dict.fromkeys(motor or saved)]
            for one, (bus, found) in chosen:
                bus.set_baudrate(found.baudrate)
                restore(bus, found, one, written)
        text = "\n".join(map(escape, written.lines)) or "the motors have these settings"
        after = (typed("motors", "check", "--port", port),)
        return Outcome({"path": str(file), "changes": written.lines}, text, next=after)

    return tell_what_is_written(write_back)


def _find(opened: WorkbenchPort, saved: MotorBackup) -> tuple[Workbench, FoundMotor]:
    """Return the motor with the id of a backup, first where it was. Raises HardwareError if none answers."""
    bus = opened.buses.get(saved.protocol)
    found = None if bus is None else bus.find(saved.id, saved.baudrate)
    if bus is not None and found is not None:
        return bus, found
    return find_on_port(opened.buses, saved.id, None)
