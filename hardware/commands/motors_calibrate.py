"""`motors calibrate`: measures zero and direction of a robot's joints, moved by hand, and writes them to its YAML."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from sim2real.configs.command_line import port_words, typed
from sim2real.configs.command_outcome import Json, Outcome, reports
from sim2real.configs.config_reference import find_given
from sim2real.configs.errors import UserError
from sim2real.configs.library import ROOT
from sim2real.configs.load import load_robot
from sim2real.configs.schema.robot import RobotConfig
from sim2real.hardware.commands.ended import tell_what_is_written
from sim2real.hardware.commands.terminal_guide import TerminalGuide
from sim2real.hardware.errors import HardwareError
from sim2real.hardware.held_signals import signals_held
from sim2real.hardware.robot_ports import port_paths
from sim2real.hardware.workbench.calibration import Pose, WorkbenchJoint, calibrate_joints
from sim2real.hardware.workbench.interface import Workbench
from sim2real.hardware.workbench.port import open_port
from sim2real.hardware.workbench.robot_file import refuse_unwritable, write_calibration
from sim2real.hardware.workbench.written import Written


@reports
def calibrate(
    robot: Annotated[str, typer.Argument(help="Robot name or path of its YAML.")],
    port: Annotated[
        list[str] | None,
        typer.Option(
            "--port",
            help="Serial port: BUS=PATH, or PATH for a robot with one bus; may be repeated.",
            show_default=False,
        ),
    ] = None,
    joint: Annotated[
        list[str] | None,
        typer.Option("--joint", help="Calibrate only this joint; may be repeated.", show_default=False),
    ] = None,
    pose: Annotated[Pose, typer.Option("--pose", help="Pose of the joints at the start.")] = "centre",
    sweep: Annotated[
        bool, typer.Option(help="Move each joint to both ends, which checks its limits; else a little way.")
    ] = True,
    to: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="File to write; by default the robot's own file.", show_default=False),
    ] = None,
    json_output: Json = False,
) -> Outcome:
    """Measure zero and direction of each joint, moved by hand to both ends, and write them to the robot YAML.

    Torque must be off on every motor. Modes and directions are set in the motors as a run sets them.

    Example: sim2real motors calibrate ./my_arm.yaml --port /dev/ttyUSB0
    """
    config = load_robot(robot)
    source = find_given("robots", robot, RobotConfig)
    target = _target(robot, source, to)
    refuse_unwritable(target)
    names = _chosen(config, joint or [])
    paths = _paths(config, port or [])

    def measure(written: Written) -> Outcome:
        with _workbenches(config, {config.joints[name].bus for name in names}, paths) as buses:
            margin = config.safety.position_margin
            joints = [WorkbenchJoint(one, config.joints[one], buses[config.joints[one].bus], margin) for one in names]
            for joint_on_bus in joints:
                _check_presence(joint_on_bus, round(config.buses[joint_on_bus.config.bus].baudrate))
            found = calibrate_joints(joints, pose, TerminalGuide(), sweep, written)
        with signals_held():
            backup = write_calibration(source, target, found, lambda partial: load_robot(str(partial)))
        document = {
            "robot": config.name,
            "joints": {name: asdict(calibration) for name, calibration in found.items()},
            "path": str(target),
            "backup": None if backup is None else str(backup),
        }
        kept = "" if backup is None else f"; backup: {backup.name}"
        given = [to if to is not None else robot, port_words(port)]
        after = (typed("motors", "check", given), typed("motors", "test", given))
        return Outcome(document, f"wrote {len(found)} joints to {target}{kept}", next=after)

    return tell_what_is_written(measure, f"{target} is as it was")


def _target(robot: str, source: Path, to: Path | None) -> Path:
    if to is not None:
        return to.expanduser().resolve()
    if source.is_relative_to(ROOT):
        raise UserError(f"{robot} is a shipped robot and is not overwritten: write a copy with --output FILE")
    return source


def _chosen(config: RobotConfig, names: list[str]) -> list[str]:
    for name in names:
        if name not in config.joints:
            raise UserError(f"robot {config.name!r} has no joint {name!r}; valid: {', '.join(config.joints)}")
    return names or list(config.joints)


def _paths(config: RobotConfig, options: list[str]) -> Mapping[str, str]:
    """Return the path of each bus: from the options, else from the YAML."""
    return {name: bus.port for name, bus in config.buses.items() if bus.port is not None} | port_paths(config, options)


@contextmanager
def _workbenches(config: RobotConfig, names: set[str], paths: Mapping[str, str]) -> Iterator[dict[str, Workbench]]:
    with ExitStack() as stack:
        buses: dict[str, Workbench] = {}
        for name in sorted(names):
            if name not in paths:
                raise UserError(f"no port for bus {name!r}: give --port {name}=PATH")
            protocol = config.buses[name].protocol
            buses[name] = stack.enter_context(open_port(paths[name], protocol)).buses[protocol]
        yield buses


def _check_presence(joint: WorkbenchJoint, baudrate: int) -> None:
    """Set the baud rate of the line; raise HardwareError if the motor does not answer."""
    if joint.bus.find(joint.config.id, baudrate) is None:
        raise HardwareError(
            f"joint {joint.name!r}: motor {joint.config.id} does not answer at {baudrate} baud; "
            "`sim2real motors scan --port PORT` lists the motors on a port"
        )
