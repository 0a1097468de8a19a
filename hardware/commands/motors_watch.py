"""`motors show` and `motors monitor`: registers and readings of motors, once or live."""

import itertools
import math
import time
from contextlib import nullcontext, suppress
from dataclasses import asdict, fields
from typing import Annotated

import typer
from rich.console import Console
from rich.live import Live
from rich.table import Column, Table

from sim2real.configs.command_line import typed
from sim2real.configs.command_outcome import Json, Outcome, print_document, reports
from sim2real.configs.errors import UserError
from sim2real.hardware.clock import NS_PER_S, MonotonicClock
from sim2real.hardware.commands.motors_options import Baudrate, Id, Port, ProtocolName
from sim2real.hardware.commands.motors_port import open_port
from sim2real.hardware.errors import HardwareError, PortLostError
from sim2real.hardware.workbench.interface import FoundMotor, MotorReading, RegisterReading, Workbench
from sim2real.hardware.workbench.port import WorkbenchPort
from sim2real.hardware.workbench.scan import find_on_port, scan_port

_LIVE_PERIOD_S = 0.25

Rate = Annotated[float, typer.Option("--rate", min=0.1, max=200.0, help="Samples per second.")]
Count = Annotated[int | None, typer.Option("--count", min=1, help="Stop after this many samples.", show_default=False)]


@reports
def show(
    port: Port,
    motor: Id,
    protocol: ProtocolName = None,
    baudrate: Baudrate = None,
    live: Annotated[bool, typer.Option("--live", help="Refresh until interrupted.")] = False,
    json_output: Json = False,
) -> Outcome:
    """Show the registers of a motor, in its own units and in SI.

    Example: sim2real motors show --port /dev/ttyUSB0 --id 1 --live
    """
    with open_port(port, protocol) as opened:
        bus, found = find_on_port(opened.buses, motor, baudrate)
        readings = bus.registers(motor)
        if live:
            table = _registers_table(found.title, readings)
            with suppress(KeyboardInterrupt), Live(table, console=Console(), auto_refresh=False) as view:
                while True:
                    time.sleep(_LIVE_PERIOD_S)
                    view.update(_registers_table(found.title, bus.registers(motor)), refresh=True)
    document = asdict(found) | {
        "registers": {reading.name: reading.value for reading in readings},
        "decoded": {reading.name: reading.text for reading in readings if reading.text},
    }
    lines = [f"{r.address:5d}  {r.area:6}  {r.name:24} {r.value!s:>12}  {r.text}".rstrip() for r in readings]
    after = (typed("motors", "monitor", "--port", port, "--id", motor),)
    return Outcome(document, "\n".join(lines), next=after)


def monitor(
    port: Port,
    motor: Annotated[
        list[int] | None,
        typer.Option("--id", help="Id of a motor; may be repeated; by default all that answer.", show_default=False),
    ] = None,
    protocol: ProtocolName = None,
    baudrate: Baudrate = None,
    rate: Rate = 10.0,
    count: Count = None,
    json_output: Json = False,
) -> None:
    """Print the readings of motors until interrupted; nothing is written to them. With --json, one line per sample.

    Example: sim2real motors monitor --port /dev/ttyUSB0 --id 1 --id 2
    """
    try:
        with open_port(port, protocol) as opened:
            motors = _chosen(opened, motor or [], baudrate)
            _monitor(motors, rate, count, json_output)
    except UserError as error:
        if json_output:
            print_document({"ok": False, "reasons": [str(error)]})
        raise
    except KeyboardInterrupt:
        if count is not None:  # which was not reached
            raise


def _chosen(opened: WorkbenchPort, ids: list[int], baudrate: int | None) -> list[tuple[Workbench, FoundMotor]]:
    if ids:
        return [find_on_port(opened.buses, motor, baudrate) for motor in ids]
    found = [(opened.buses[motor.protocol], motor) for motor in scan_port(opened.buses, baudrate)]
    if not found:
        raise HardwareError(f"no motor answers on {opened.serial.path}: check power, cable and baud rate")
    return found


def _monitor(motors: list[tuple[Workbench, FoundMotor]], rate: float, count: int | None, as_json: bool) -> None:
    clock = MonotonicClock()
    start_ns = clock.now_ns()
    period_ns = round(NS_PER_S / rate)
    # Without --json the live table is the result, so it goes to standard output.
    live = None if as_json else Live(console=Console(), auto_refresh=False)
    with live or nullcontext():
        for sample in itertools.count() if count is None else range(count):
            clock.sleep_until_ns(start_ns + sample * period_ns)
            now_s = (clock.now_ns() - start_ns) / NS_PER_S
            readings = [(motor, _reading(bus, motor)) for bus, motor in motors]
            if live is not None:
                live.update(_readings_table(readings), refresh=True)
            else:
                rows = [{"id": motor.id, "protocol": motor.protocol} | asdict(reading) for motor, reading in readings]
                print_document({"time": now_s, "motors": rows})


def _reading(bus: Workbench, motor: FoundMotor) -> MotorReading:
    """Read one motor at its own baud rate; return NaN for all values if it does not answer."""
    try:
        bus.set_baudrate(motor.baudrate)
        return bus.reading(motor.id)
    except PortLostError:
        raise
    except HardwareError:
        return MotorReading(*(math.nan,) * len(fields(MotorReading)))


def _readings_table(readings: list[tuple[FoundMotor, MotorReading]]) -> Table:
    columns = ("id", "position rad", "velocity rad/s", "effort N·m", "temperature °C", "voltage V")
    table = Table(*(Column(name, justify="right") for name in columns))
    for motor, reading in readings:
        table.add_row(
            str(motor.id),
            f"{reading.position:+.4f}",
            f"{reading.velocity:+.3f}",
            f"{reading.effort:+.3f}",
            f"{reading.temperature:.0f}",
            f"{reading.voltage:.1f}",
        )
    return table


def _registers_table(title: str, readings: list[RegisterReading]) -> Table:
    table = Table("address", "area", "name", Column("value", justify="right"), "meaning", title=title)
    for reading in readings:
        table.add_row(str(reading.address), reading.area, reading.name, str(reading.value), reading.text)
    return table
