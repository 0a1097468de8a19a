"""The command line of a service: `sim2real run` with the active policy of a flash target."""

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import typer
from typer.exceptions import TyperException

from sim2real.configs.load import load_robot
from sim2real.hardware.robot_ports import port_paths
from sim2real.runtime.commands.run import app as run_app
from sim2real.runtime.flash.ssh import RUNTIME
from sim2real.runtime.service.systemctl import ServiceError

_NAME: Final = "sim2real"
_NEEDS_A_TERMINAL: Final = "keyboard"


@dataclass(frozen=True)
class RunLine:
    """What a service starts."""

    words: tuple[str, ...]
    moves_at_once: bool
    """Whether the robot moves without an operator's start."""
    operated: bool
    """Whether the options name an operator's device, or need none."""


def run_line(policy: str, robot: str, options: Sequence[str], home: Path) -> RunLine:
    """Return the command line of a run.

    Args:
        policy: Path of the active policy.
        robot: A shipped name, or the absolute path of a YAML file.
        options: Further options of `sim2real run`.
        home: Home folder of the user that runs it.

    Raises:
        UserError: `run` would refuse them, or they make no sense in a service.
    """
    arguments = (policy, "--robot", robot, *options)
    given = _parsed(arguments)
    if (given["policy"], given["robot"]) != (Path(policy), robot):
        raise ServiceError("options of run: policy and robot are those of the target; leave them out")
    if given["in_lockstep"]:
        raise ServiceError("options of run: --lockstep is not in real time; a service is")
    devices = given["operator"] or []
    if _NEEDS_A_TERMINAL in devices:
        raise ServiceError(
            "options of run: --operator keyboard needs a terminal; valid here: gamepad, socket:PATH, --panel"
        )
    config = load_robot(robot, tuple(given["overrides"] or ()))
    paths = port_paths(config, given["port"] or ())
    if not given["emulate"]:
        ports = {name: bus.port for name, bus in config.buses.items()} | {
            name: imu.port for name, imu in config.imus.items()
        }
        missing = [name for name, path in (ports | paths).items() if not path]
        if missing:
            raise ServiceError(
                f"no port for {', '.join(missing)}: set `port` in the robot's YAML, or end with: "
                f"-- --port {missing[0]}=PATH"
            )
    operated = bool(devices or given["panel"] or given["panel_port"])
    return RunLine((program(home), "run", *arguments), given["start"] or False, operated)


def program(home: Path, prefix: str = sys.prefix, typed: str = "") -> str:
    """Return the path of this `sim2real` that lasts: `--install-runtime` replaces folders, and leaves their link.

    Args:
        home: Home folder of the user that runs it.
        prefix: Folder of this Python's environment.
        typed: How this program was started; `pip install --user` puts it elsewhere than Python.

    Raises:
        ServiceError: There is none beside this Python.
    """
    link, started = home / RUNTIME, Path(typed or sys.argv[0])
    folder = link if os.path.realpath(link) == os.path.realpath(prefix) else Path(prefix)
    beside = folder / "bin" / _NAME
    for found in (beside, *([started.absolute()] if started.name == _NAME else [])):
        if os.access(found, os.X_OK):
            return str(found)
    raise ServiceError(f"{beside}: there is no such program; install sim2real with pip")


def _parsed(arguments: Sequence[str]) -> dict[str, Any]:
    """Return the options as `run` reads them. Raises ServiceError."""
    if "--help" in arguments:
        raise ServiceError("options of run: --help is for people; see: sim2real run --help")
    command: Any = typer.main.get_command(run_app)
    try:
        with command.make_context("run", list(arguments)) as context:
            values: dict[str, Any] = context.params
            return values
    except TyperException as error:
        what = " ".join(error.format_message().split()).rstrip(".")
        raise ServiceError(f"options of run: {what[:1].lower() + what[1:]}") from error
