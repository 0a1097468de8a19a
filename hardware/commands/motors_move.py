"""`motors move`: takes joints of a robot to given angles, slowly and within the limits of its YAML."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Annotated

import typer
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from sim2real.configs.command_line import port_words, typed
from sim2real.configs.command_outcome import Json, Outcome, error_console, reports
from sim2real.configs.errors import UserError
from sim2real.configs.load import load_robot
from sim2real.configs.units import parse_quantity
from sim2real.hardware.clock import MonotonicClock
from sim2real.hardware.commands.motors_set_up import bus_paths
from sim2real.hardware.commands.torque_session import ask_before_torque, torque_session
from sim2real.hardware.robot import RobotHardware
from sim2real.hardware.robot_ports import open_serial_ports
from sim2real.hardware.workbench.move import JointMove, Mover, Told, refuse


@reports
def move(
    robot: Annotated[str, typer.Argument(help="Robot name or path of its YAML.")],
    angles: Annotated[
        list[str],
        typer.Argument(metavar="JOINT=ANGLE", help="Joint angle with its unit: elbow=30deg; several move together."),
    ],
    port: Annotated[
        list[str] | None,
        typer.Option("--port", help="Serial port: BUS=PATH, or PATH for one bus; repeatable.", show_default=False),
    ] = None,
    speed: Annotated[
        str | None,
        typer.Option("--speed", help="Highest speed of a joint, as 0.5rad/s; slow when left out.", show_default=False),
    ] = None,
    hold: Annotated[
        float,
        typer.Option("--hold", min=0.0, max=3600.0, help="Seconds to hold the joints there before torque goes off."),
    ] = 1.0,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before torque comes on.")] = False,
    json_output: Json = False,
) -> Outcome:
    """Move joints to given angles, slowly and within the limits of the robot's YAML. The others hold.

    Torque is off at the end, also after Ctrl-C or SIGTERM: what the motors carried falls then.

    Example: sim2real motors move so101 elbow_flex=30deg gripper=10deg --port /dev/ttyACM0
    """
    config = load_robot(robot)
    config = config.model_copy(update={"imus": {}})
    targets = _targets(angles)
    fastest = None if speed is None else _quantity("--speed", speed, "rad/s")
    refuse(config, targets, fastest)
    paths = bus_paths(config, port or [])
    if not yes:
        names = ", ".join(f"{name} to {math.degrees(angle):.1f}°" for name, angle in targets.items())
        ask_before_torque(f"Torque comes on, and the robot will move {names}. Is it free?")
    clock = MonotonicClock()
    console = error_console()
    hardware = RobotHardware(
        config,
        open_serial_ports(config, paths, clock),
        clock,
        lambda notice: console.print(f"notice: {notice}", markup=False),
    )
    mover = Mover(config, hardware, clock, targets, fastest)
    with torque_session(config, hardware, clock):
        seconds = mover.begin()
        with _progress() as told:
            done = mover.move(hold, told)
    document = {"robot": config.name, "seconds": seconds, "joints": [asdict(one) | {"ok": one.ok} for one in done]}
    reasons = tuple(
        f"{one.joint}: ended {math.degrees(abs(one.end - one.target)):.1f}° from its target; arrived is within "
        f"{math.degrees(one.tolerance):.1f}° (ready.tolerance)"
        for one in done
        if not one.ok
    )
    lines = [*map(_line, done), f"{sum(one.ok for one in done)} of {len(done)} joints arrived; torque is off"]
    after = [typed("motors", "test", robot, "--joint", one.joint, port_words(port)) for one in done if not one.ok]
    after = after or [typed("check", robot)]
    return Outcome(document, "\n".join(lines), ok=not reasons, reasons=reasons, next=tuple(after))


def _targets(texts: list[str]) -> dict[str, float]:
    targets: dict[str, float] = {}
    for text in texts:
        name, equals, angle = text.partition("=")
        if not (name and equals):
            raise UserError(f"{text}: must be JOINT=ANGLE, for example elbow=30deg")
        if name in targets:
            raise UserError(f"{text}: joint {name!r} is given twice")
        targets[name] = _quantity(name, angle, "rad")
    return targets


def _quantity(name: str, text: str, unit: str) -> float:
    try:
        return parse_quantity(text, unit)
    except ValueError as error:
        raise UserError(f"{name}: {error}") from error


@contextmanager
def _progress() -> Iterator[Told]:
    """Yield what shows how far the move is: a bar on a terminal, else nothing."""
    columns = (TextColumn("moving"), BarColumn(), TimeRemainingColumn())
    console = error_console()
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=None)
        yield lambda now, total: bar.update(task, completed=now, total=total)


def _line(one: JointMove) -> str:
    mark = "[green]ok[/green]  " if one.ok else "[red]FAIL[/red]"
    return (
        f"{mark}  {escape(one.joint):16} {math.degrees(one.start):7.1f}° → {math.degrees(one.end):.1f}°, "
        f"{one.speed:.2f} rad/s, {one.effort:.2f} N·m at most"
    )
