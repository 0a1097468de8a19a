"""The `hand` command: hands at an emulated robot, for rehearsing what people do on the bench."""

import math
from pathlib import Path
from typing import Annotated

import typer

from sim2real.configs.command_outcome import Json, Outcome, reports
from sim2real.configs.errors import UserError
from sim2real.configs.units import parse_quantity
from sim2real.hardware.emulator.hand_orders import HandClient
from sim2real.hardware.emulator.hands import ALL

app = typer.Typer(
    help="Hold, move and load the joints of an emulated robot; plug and unplug motors and adapters.",
    no_args_is_help=True,
)

_NEGATIVE = {"ignore_unknown_options": True}  # -30deg is an angle

Control = Annotated[
    Path,
    typer.Option(
        "--control",
        help="Socket of `sim2real emulate --control`.",
        envvar="SIM2REAL_CONTROL",
        show_default=False,
    ),
]
Joint = Annotated[str, typer.Argument(help="A joint, or all; motor_3 for id 3 of an emulator without a robot.")]
Joints = Annotated[list[str] | None, typer.Argument(help="Joints; all when left out.")]
Ports = Annotated[list[str] | None, typer.Argument(help="Buses or IMUs; all when left out.")]


@app.command(context_settings=_NEGATIVE)
@reports
def move(
    joint: Joint,
    angle: Annotated[str, typer.Argument(help="Joint angle, as 30deg or 0.5rad.")],
    control: Control,
    speed: Annotated[str, typer.Option("--speed", help="Speed of the hand.")] = "1 rad/s",
    wait: Annotated[bool, typer.Option(help="Return when the joint has arrived.")] = True,
    json_output: Json = False,
) -> Outcome:
    """Take a joint to an angle, whatever its motor does, and hold it there.

    Example: sim2real hand move elbow_flex 30deg --control hands
    """
    hands = HandClient(control)
    hands.move(joint, _quantity("angle", angle, "rad"), _quantity("--speed", speed, "rad/s"), wait=wait)
    return _outcome(hands)


@app.command()
@reports
def hold(control: Control, joints: Joints = None, json_output: Json = False) -> Outcome:
    """Hold joints where they are.

    Example: sim2real hand hold elbow_flex --control hands
    """
    hands = HandClient(control)
    for joint in joints or [ALL]:
        hands.hold(joint)
    return _outcome(hands)


@app.command()
@reports
def release(control: Control, joints: Joints = None, json_output: Json = False) -> Outcome:
    """Let go of joints, and take their loads away.

    Example: sim2real hand release --control hands
    """
    hands = HandClient(control)
    for joint in joints or [ALL]:
        hands.release(joint)
    return _outcome(hands)


@app.command(context_settings=_NEGATIVE)
@reports
def load(
    joint: Joint,
    torque: Annotated[str, typer.Argument(help="Torque on the joint, as 0.5N*m.")],
    control: Control,
    json_output: Json = False,
) -> Outcome:
    """Load a joint with a torque until it is released.

    Example: sim2real hand load gripper 0.2N*m --control hands
    """
    hands = HandClient(control)
    hands.load(joint, _quantity("torque", torque, "N*m"))
    return _outcome(hands)


@app.command()
@reports
def connect(control: Control, joints: Joints = None, json_output: Json = False) -> Outcome:
    """Plug the cables of motors in: they power up.

    Example: sim2real hand connect gripper --control hands
    """
    hands = HandClient(control)
    for joint in joints or [ALL]:
        hands.connect(joint)
    return _outcome(hands)


@app.command()
@reports
def disconnect(control: Control, joints: Joints = None, json_output: Json = False) -> Outcome:
    """Pull the cables of motors: no data, no power.

    Example: sim2real hand disconnect --control hands
    """
    hands = HandClient(control)
    for joint in joints or [ALL]:
        hands.disconnect(joint)
    return _outcome(hands)


@app.command()
@reports
def plug(control: Control, ports: Ports = None, json_output: Json = False) -> Outcome:
    """Plug adapters in again.

    Example: sim2real hand plug --control hands
    """
    hands = HandClient(control)
    for port in ports or [ALL]:
        hands.plug(port)
    return _outcome(hands)


@app.command()
@reports
def unplug(control: Control, ports: Ports = None, json_output: Json = False) -> Outcome:
    """Unplug adapters: their ports vanish.

    Example: sim2real hand unplug --control hands
    """
    hands = HandClient(control)
    for port in ports or [ALL]:
        hands.unplug(port)
    return _outcome(hands)


@app.command()
@reports
def state(control: Control, json_output: Json = False) -> Outcome:
    """Show true angles, torque, cables and adapters.

    Example: sim2real hand state --control hands
    """
    return _outcome(HandClient(control))


def _quantity(name: str, text: str, unit: str) -> float:
    try:
        return parse_quantity(text, unit)
    except ValueError as error:
        raise UserError(f"{name} {text}: {error}") from error


def _outcome(hands: HandClient) -> Outcome:
    document = hands.state()
    lines = []
    for name, joint in document["joints"].items():
        words = [
            "held" if joint["held"] else "",
            f"load {joint['load']:g} N·m" if joint["load"] else "",
            "" if joint["connected"] else "not connected",
            "torque" if joint["torque"] else "",
        ]
        lines.append(f"{name:16} {math.degrees(joint['position']):8.2f}°  {', '.join(filter(None, words))}".rstrip())
    lines += [f"{name}: not plugged in" for name, port in document["ports"].items() if not port["plugged"]]
    return Outcome({"joints": document["joints"], "ports": document["ports"]}, "\n".join(lines))
