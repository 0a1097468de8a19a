"""`motors test`: wiggles each joint of a robot a few degrees; pass or fail with figures."""

import math
from dataclasses import asdict
from typing import Annotated

import typer
from rich.markup import escape

from sim2real.configs.command_line import port_words, typed
from sim2real.configs.command_outcome import Json, Outcome, error_console, reports
from sim2real.configs.errors import UserError
from sim2real.configs.load import load_robot
from sim2real.configs.schema.robot import RobotConfig
from sim2real.hardware.clock import MonotonicClock
from sim2real.hardware.commands.motors_set_up import bus_paths
from sim2real.hardware.commands.torque_session import ask_before_torque, torque_session
from sim2real.hardware.robot import RobotHardware
from sim2real.hardware.robot_ports import open_serial_ports
from sim2real.hardware.workbench.held_joints import AMPLITUDE
from sim2real.hardware.workbench.wiggle import Wiggle, Wiggler


@reports
def wiggle(
    robot: Annotated[str, typer.Argument(help="Robot name or path of its YAML.")],
    port: Annotated[
        list[str] | None,
        typer.Option("--port", help="Serial port: BUS=PATH, or PATH for one bus; repeatable.", show_default=False),
    ] = None,
    joint: Annotated[
        list[str] | None,
        typer.Option("--joint", help="Wiggle only this joint; repeatable.", show_default=False),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before torque comes on.")] = False,
    json_output: Json = False,
) -> Outcome:
    """Wiggle each joint a few degrees, one after the other: speed, effort, latency, backlash, sense. The others hold.

    Torque is off at the end, also after Ctrl-C or SIGTERM.

    Example: sim2real motors test ./my_arm.yaml --port /dev/ttyUSB0
    """
    config = load_robot(robot)
    config = config.model_copy(update={"imus": {}})
    for name in joint or []:
        if name not in config.joints:
            raise UserError(f"robot {config.name!r} has no joint {name!r}; valid: {', '.join(config.joints)}")
    names = joint or list(config.joints)
    degrees = math.degrees(AMPLITUDE)
    console = error_console()
    if not yes:
        ask_before_torque(
            f"Torque comes on, and {', '.join(names)} will move by {degrees:.0f}° to each side. Is the robot free?"
        )
    clock = MonotonicClock()
    hardware = RobotHardware(
        config,
        open_serial_ports(config, bus_paths(config, port or []), clock),
        clock,
        lambda notice: console.print(f"notice: {notice}", markup=False),
    )
    done: list[Wiggle] = []
    with torque_session(config, hardware, clock):
        wiggler = Wiggler(config, hardware, clock)
        wiggler.begin()
        for name in names:
            done.append(wiggler.wiggle(name))
            console.print(_line(done[-1]))
    reasons = tuple(f"{one.joint}: {problem}" for one in done for problem in one.problems)
    document = {"robot": config.name, "joints": [asdict(one) | {"ok": one.ok} for one in done]}
    passed = sum(one.ok for one in done)
    text = f"{passed} of {len(done)} joints passed; torque is off"
    return Outcome(document, text, ok=not reasons, reasons=reasons, next=(_next(robot, config, done, port),))


def _next(robot: str, config: RobotConfig, done: list[Wiggle], ports: list[str] | None) -> str:
    """Return the command line for the first joint that failed, else one that takes the joints to their start pose."""
    given = port_words(ports)
    failed = next((one.joint for one in done if not one.ok), None)
    if failed is not None:
        return typed("motors", "test", robot, "--joint", failed, given)
    pose = [f"{one.joint}={math.degrees(config.joints[one.joint].default_position):g}deg" for one in done]
    return typed("motors", "move", robot, pose, given)


def _line(one: Wiggle) -> str:
    text = (
        f"{'[green]pass[/green]' if one.ok else '[red]FAIL[/red]'}  {escape(one.joint):16} moved {one.followed:4.0%}, "
        f"{one.speed:.2f} rad/s, {one.effort:.2f} N·m, {one.latency * 1e3:.0f} ms late, rests within "
        f"{math.degrees(one.hysteresis):.2f}°"
    )
    return "\n".join((text, *(f"      {escape(problem)}" for problem in one.problems)))
