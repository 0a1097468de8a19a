"""The `imu` command: finds a serial IMU at whatever baud rate it has, and sets another."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from typing import Annotated

import typer
from rich.markup import escape

from sim2real.configs.command_line import typed
from sim2real.configs.command_outcome import Json, Outcome, error_console, reports
from sim2real.hardware.bus.serial_port import SerialPort
from sim2real.hardware.clock import MonotonicClock
from sim2real.hardware.commands.motors_options import Port
from sim2real.hardware.errors import HardwareError
from sim2real.hardware.imu.family import imu_workbenches
from sim2real.hardware.imu.workbench_interface import FoundImu, ImuWorkbench, find_imu

app = typer.Typer(help="Find a serial IMU on a port, and set its baud rate.", no_args_is_help=True)

_OPENING_BAUDRATE = 9600  # supported by every port; the search sets its own

Baudrate = Annotated[
    int | None,
    typer.Option(
        "--baudrate", help="The unit's present baud rate; by default every one is tried.", min=1, show_default=False
    ),
]


@app.command()
@reports
def scan(port: Port, baudrate: Baudrate = None, json_output: Json = False) -> Outcome:
    """Tell which IMU is on a port, at which baud rate, and what it sends. Writes nothing to it.

    Example: sim2real imu scan --port /dev/ttyUSB2
    """
    with _open(port) as benches:
        found = _found(benches, port, baudrate)[1]
    after = (typed("imu", "set-baud", "--port", port, "--baudrate", found.baudrate, "--to", 230_400),)
    return Outcome({"imus": [asdict(found)]}, _line(found), next=after)


@app.command("set-baud")
@reports
def set_baud(
    port: Port,
    to: Annotated[int, typer.Option("--to", help="The new baud rate, bit/s.", show_default=False)],
    baudrate: Baudrate = None,
    json_output: Json = False,
) -> Outcome:
    """Set and save the baud rate of an IMU; a restart of the unit proves that it is saved.

    Nothing is written if it is saved already. It can be interrupted and repeated: the unit is then at its old or at its
    new baud rate, and is found at either.

    Example: sim2real imu set-baud --port /dev/ttyUSB2 --to 230400
    """
    with _open(port) as benches:
        valid = sorted({rate for bench in benches.values() for rate in bench.baudrates})
        if to not in valid:  # before the search, which takes seconds
            raise HardwareError(f"{to} baud is not valid; valid: {', '.join(map(str, valid))}")
        bench, before = _found(benches, port, baudrate)
        after = bench.change_baudrate(before, to)
    document = {"baudrate": to, "before": before.baudrate, "written": after is not None}
    done = f"the IMU has {to} baud, saved; it had {before.baudrate}"
    text = done if after is not None else f"the IMU has {to} baud, saved before: nothing was written"
    return Outcome(document, text, next=(typed("imu", "scan", "--port", port, "--baudrate", to),))


@contextmanager
def _open(port: str) -> Iterator[Mapping[str, ImuWorkbench]]:
    clock = MonotonicClock()
    serial = SerialPort(port, _OPENING_BAUDRATE, clock)
    try:
        yield imu_workbenches(serial, clock)
    finally:
        serial.close()


def _found(benches: Mapping[str, ImuWorkbench], port: str, baudrate: int | None) -> tuple[ImuWorkbench, FoundImu]:
    """Return the unit on a port, and its workbench. Raises HardwareError if there is none."""
    with error_console().status("searching for an IMU"):
        found = find_imu(benches, baudrate)
    if found is not None:
        return benches[found.protocol], found
    where = "at any baud rate" if baudrate is None else f"at {baudrate} baud"
    raise HardwareError(f"no IMU answers on {port} {where}: check power and wires, TX to RX and RX to TX")


def _line(found: FoundImu) -> str:
    rate = "" if found.rate is None else f", {found.rate:g} Hz"
    content = f", sends {', '.join(found.content)}" if found.content else ""
    return escape(f"{found.protocol} at {found.baudrate} baud{rate}{content}")
