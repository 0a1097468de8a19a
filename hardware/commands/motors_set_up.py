"""`motors setup` and `motors adopt`: ids and baud rates of a robot's motors, one motor after the other."""

from dataclasses import asdict
from typing import Annotated

import typer

from sim2real.configs.command_line import port_words, typed
from sim2real.configs.command_outcome import Json, Outcome, reports
from sim2real.configs.errors import UserError
from sim2real.configs.load import load_robot
from sim2real.configs.schema.robot import RobotConfig
from sim2real.hardware.commands.ended import tell_what_is_written
from sim2real.hardware.commands.motors_port import open_port
from sim2real.hardware.commands.terminal_guide import TerminalGuide
from sim2real.hardware.errors import HardwareError
from sim2real.hardware.robot_ports import port_paths
from sim2real.hardware.workbench.set_up import SetUp, carry_over, set_up_joint
from sim2real.hardware.workbench.written import Written

Robot = Annotated[str, typer.Argument(help="Robot name or path of its YAML.")]
Ports = Annotated[
    list[str] | None,
    typer.Option(
        "--port", help="Serial port: BUS=PATH, or PATH for a robot with one bus; repeatable.", show_default=False
    ),
]


@reports
def setup(robot: Robot, port: Ports = None, json_output: Json = False) -> Outcome:
    """Give each motor of a robot its id and baud rate: connect one after the other, in the order of the YAML.

    Motors that are done may stay connected. It can be repeated: a motor that has its id and baud rate is kept as it is.

    Example: sim2real motors setup so101 --port /dev/ttyACM0
    """
    config = load_robot(robot)
    paths = bus_paths(config, port or [])
    guide = TerminalGuide()

    def set_up(written: Written) -> Outcome:
        done: list[SetUp] = []
        for name, joint in config.joints.items():
            with open_port(paths[joint.bus], config.buses[joint.bus].protocol) as opened:
                ids = [one.id for one in done if config.joints[one.joint].bus == joint.bus]
                done.append(set_up_joint(config, name, opened, ids, guide.ask, guide.tell, written))
            guide.tell(_line(done[-1]))
        document = {"robot": config.name, "motors": [_row(one) for one in done]}
        given = port_words(port)
        after = (typed("motors", "check", robot, given), typed("motors", "calibrate", robot, given))
        return Outcome(document, "\n".join(map(_line, done)), next=after)

    return tell_what_is_written(set_up)


@reports
def adopt(
    robot: Robot,
    joint: Annotated[str, typer.Option("--joint", help="Joint of the new motor.", show_default=False)],
    port: Ports = None,
    json_output: Json = False,
) -> Outcome:
    """Make a new or replaced motor that of a joint: id, baud rate, and the registers in the joint's calibration.

    Limits and gains are written whenever the robot is opened. Calibrate the joint afterwards: its horn sits elsewhere.

    Example: sim2real motors adopt ./my_arm.yaml --joint elbow_flex --port /dev/ttyUSB0
    """
    config = load_robot(robot)
    if joint not in config.joints:
        raise UserError(f"robot {config.name!r} has no joint {joint!r}; valid: {', '.join(config.joints)}")
    own = config.joints[joint]
    guide = TerminalGuide()
    path = bus_paths(config, port or [])[own.bus]

    def take_in(written: Written) -> Outcome:
        with open_port(path, config.buses[own.bus].protocol) as opened:
            others = [other.id for name, other in config.joints.items() if name != joint and other.bus == own.bus]
            done = set_up_joint(config, joint, opened, others, guide.ask, guide.tell, written)
            changes = carry_over(config, joint, opened.buses[config.buses[own.bus].protocol], written)
        advice = f"calibrate it now: sim2real motors calibrate {robot} --joint {joint}"
        after = (typed("motors", "calibrate", robot, "--joint", joint, port_words(port)),)
        return Outcome(_row(done) | {"changes": changes}, "\n".join((_line(done), *changes, advice)), next=after)

    return tell_what_is_written(take_in)


def bus_paths(config: RobotConfig, options: list[str]) -> dict[str, str]:
    """Return the path of every bus. Raises HardwareError if one has none."""
    used = {joint.bus for joint in config.joints.values()}
    paths = {name: bus.port for name, bus in config.buses.items() if bus.port is not None} | port_paths(config, options)
    for name in used:
        if name not in paths:
            raise HardwareError(f"no port for bus {name!r}: give --port {name}=PATH")
    return paths


def _row(done: SetUp) -> dict[str, object]:
    return {"joint": done.joint, "id": done.id, "baudrate": done.baudrate, "before": asdict(done.before)}


def _line(done: SetUp) -> str:
    was = f"was id {done.before.id} at {done.before.baudrate} baud" if done.changed else "as before"
    return f"{done.joint}: id {done.id} at {done.baudrate} baud ({was})"
