"""The `motors` command: bench work on a Dynamixel bus."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer
from rich.markup import escape
from rich.progress import Progress

from configs.command import Json, Outcome, error_console, reports
from hardware.clock import MonotonicClock
from hardware.dynamixel.bench_work import BenchMotor, find_motor
from hardware.dynamixel.bench_work import scan as scan_bus
from hardware.dynamixel.checkup import Finding, examine
from hardware.dynamixel.exchange import Exchange, Identity
from hardware.dynamixel.tables import BAUDRATES, MODEL_NAMES
from hardware.errors import HardwareError
from hardware.serial_port import SerialPort

app = typer.Typer(help="Find, look at and set up Dynamixel motors on a bus.", no_args_is_help=True)

Port = Annotated[str, typer.Option("--port", help="Serial port, for example /dev/ttyUSB0.", show_default=False)]
Id = Annotated[int, typer.Option("--id", help="Id of the motor.", min=0, max=252, show_default=False)]
Baudrate = Annotated[
    int | None,
    typer.Option("--baudrate", help="Speed of the bus; without it every speed is tried.", show_default=False),
]

_LATENCY_TIMER_MS_MAX = 1


@app.command()
@reports
def scan(port: Port, baudrate: Baudrate = None, json_output: Json = False) -> Outcome:
    """List the motors on a bus; about a second for each speed.

    Example: sim2real motors scan --port /dev/ttyUSB0
    """
    with _bus(port, baudrate) as (exchange, _, speeds):
        found = _scan(exchange, speeds)
    lines = [
        f"id {who.id:3d}  {escape(MODEL_NAMES.get(who.model_number, '?'))} ({who.model_number})  "
        f"firmware {who.firmware}  {speed} baud"
        for speed, who in found
    ]
    document = {"motors": [_document(speed, who) for speed, who in found]}
    return Outcome(document, "\n".join(lines) or f"no motor answers on {escape(port)}")


@app.command()
@reports
def show(port: Port, motor: Id, baudrate: Baudrate = None, json_output: Json = False) -> Outcome:
    """Show the control table of one motor, in its own units.

    Example: sim2real motors show --port /dev/ttyUSB0 --id 1
    """
    with _motor(port, motor, baudrate) as found:
        values = found.values()
        lines = [
            f"{found.table[name].address:5d}  {found.table[name].area:6}  {name:24} {value}"
            for name, value in values.items()
        ]
        document = _document(found.baudrate, found.identity) | {"registers": values}
    return Outcome(document, "\n".join(lines))


@app.command("set-id")
@reports
def set_id(
    port: Port,
    motor: Id,
    to: Annotated[int, typer.Option("--to", help="Its new id, 0 to 252.", show_default=False)],
    baudrate: Baudrate = None,
    json_output: Json = False,
) -> Outcome:
    """Give a motor another id; refused while torque is on or when the id is taken.

    Example: sim2real motors set-id --port /dev/ttyUSB0 --id 1 --to 7
    """
    with _motor(port, motor, baudrate) as found:
        found.set_id(to)
    return Outcome({"id": to, "before": motor}, f"motor {motor} is now motor {to}")


@app.command("set-baud")
@reports
def set_baud(
    port: Port,
    motor: Id,
    to: Annotated[int, typer.Option("--to", help="Its new speed, bit/s.", show_default=False)],
    baudrate: Baudrate = None,
    json_output: Json = False,
) -> Outcome:
    """Make a motor talk at another speed; refused while torque is on.

    Example: sim2real motors set-baud --port /dev/ttyUSB0 --id 1 --to 1000000
    """
    with _motor(port, motor, baudrate) as found:
        before = found.baudrate
        found.set_baudrate(to)
    return Outcome({"id": motor, "baudrate": to, "before": before}, f"motor {motor} now talks at {to} baud")


@app.command()
@reports
def reboot(port: Port, motor: Id, baudrate: Baudrate = None, json_output: Json = False) -> Outcome:
    """Restart a motor: torque goes off, latched hardware errors are cleared.

    Example: sim2real motors reboot --port /dev/ttyUSB0 --id 1
    """
    with _motor(port, motor, baudrate) as found:
        found.reboot()
    return Outcome({"id": motor}, f"motor {motor} is back")


@app.command()
@reports
def check(
    port: Port,
    motor: Annotated[
        int | None, typer.Option("--id", help="Id of one motor; without it all are checked.", show_default=False)
    ] = None,
    baudrate: Baudrate = None,
    json_output: Json = False,
) -> Outcome:
    """Check the adapter and the motors, and say what to do about each finding.

    Example: sim2real motors check --port /dev/ttyUSB0 --baudrate 1000000
    """
    with _bus(port, baudrate) as (exchange, serial_port, speeds):
        adapter = _adapter(serial_port)
        if motor is not None:
            motors = [find_motor(exchange, motor, speeds)]
            examined = [(found, list(examine(found))) for found in motors]
        else:
            examined = []
            for speed, identity in _scan(exchange, speeds):
                exchange.set_baudrate(speed)
                found = BenchMotor(exchange, identity)
                examined.append((found, list(examine(found))))
        if not examined:
            raise HardwareError(f"no motor answers on {port}: check power, cable and speed")
        document = {
            "port": [_finding_document(finding) for finding in adapter],
            "motors": [
                _document(found.baudrate, found.identity) | {"findings": [_finding_document(f) for f in findings]}
                for found, findings in examined
            ],
        }
    sections = [(port, adapter), *((f"motor {found.identity.id}", findings) for found, findings in examined)]
    text = "\n".join(_section(title, findings) for title, findings in sections if findings)
    reasons = tuple(
        f"{title}: {finding.what} {finding.value}: {finding.advice}"
        for title, findings in sections
        for finding in findings
        if not finding.ok
    )
    return Outcome(document, text, ok=not reasons, reasons=reasons)


@contextmanager
def _bus(port: str, baudrate: int | None) -> Iterator[tuple[Exchange, SerialPort, tuple[int, ...]]]:
    """Open the port for the command; the speeds are those to try."""
    speeds = tuple(BAUDRATES.values()) if baudrate is None else (baudrate,)
    clock = MonotonicClock()
    serial_port = SerialPort(port, speeds[0], clock)
    try:
        yield Exchange(serial_port, clock, speeds[0]), serial_port, speeds
    finally:
        serial_port.close()


@contextmanager
def _motor(port: str, motor: int, baudrate: int | None) -> Iterator[BenchMotor]:
    with _bus(port, baudrate) as (exchange, _, speeds):
        yield find_motor(exchange, motor, speeds)


def _scan(exchange: Exchange, speeds: tuple[int, ...]) -> list[tuple[int, Identity]]:
    with Progress(console=error_console(), transient=True) as progress:
        task = progress.add_task(f"{speeds[0]} baud", total=len(speeds))

        def advance(speed: int) -> None:
            progress.update(task, advance=1, description=f"{speed} baud")

        return list(scan_bus(exchange, speeds, advance))


def _adapter(port: SerialPort) -> list[Finding]:
    """Look at the latency timer of a USB adapter; ports without one have nothing to report."""
    timer_ms = port.latency_timer_ms
    if timer_ms is None:
        return []
    ok = timer_ms <= _LATENCY_TIMER_MS_MAX
    advice = "" if ok else "each reply waits so long: write 1 to latency_timer under /sys/bus/usb-serial/devices (udev)"
    return [Finding("latency timer", f"{timer_ms} ms", ok, advice)]


def _document(baudrate: int, who: Identity) -> dict[str, str | int | None]:
    return {
        "id": who.id,
        "protocol": "dynamixel2",
        "baudrate": baudrate,
        "model_number": who.model_number,
        "model": MODEL_NAMES.get(who.model_number),
        "firmware": who.firmware,
    }


def _finding_document(finding: Finding) -> dict[str, str | bool]:
    return {"what": finding.what, "value": finding.value, "ok": finding.ok, "advice": finding.advice}


def _section(title: str, findings: list[Finding]) -> str:
    lines = [
        f"  {'ok  ' if finding.ok else 'look'}  {finding.what}: {finding.value}"
        + (f" ({finding.advice})" if finding.advice else "")
        for finding in findings
    ]
    return "\n".join((f"[bold]{escape(title)}[/bold]", *map(escape, lines)))
