"""What a service needs to know of a flash target: its folder, its active policy, its robot as `run` is given it."""

from dataclasses import dataclass
from pathlib import Path

from sim2real.configs.config_reference import find_given
from sim2real.configs.library import ROOT, find, is_path, shipped
from sim2real.configs.schema.robot import RobotConfig
from sim2real.configs.schema.target import TargetConfig
from sim2real.configs.yaml_source import read_yaml
from sim2real.runtime.flash.destination import destination
from sim2real.runtime.flash.place import LocalPlace
from sim2real.runtime.flash.serial_place import SerialPlace
from sim2real.runtime.service.systemctl import ServiceError


@dataclass(frozen=True)
class OfTarget:
    """A flash target of this machine that has an active policy."""

    name: str
    """The target's, or that of its folder."""
    target: Path
    policy_path: str
    robot: str
    """A shipped name, or an absolute path."""


def of_target(to: str, robot: str | None) -> OfTarget:
    """Return what a service needs to know of the option `--to`.

    Raises:
        UserError: It is on another machine, names no robot, or has no policy that can be run.
    """
    place = destination(to, robot)
    if isinstance(place, SerialPlace):
        raise ServiceError(f"--to {to}: is a controller, which systemd does not run; give a folder of this machine")
    if not isinstance(place, LocalPlace):
        host, _, folder_there = place.place.partition(":")
        raise ServiceError(
            f"--to {to}: is on {host}; a service is installed on the robot itself: log in there, and "
            f"sim2real service install --to {folder_there} --robot ROBOT"
        )
    if place.robot is None:
        raise ServiceError(
            f"--to {to}: a plain folder needs --robot ROBOT as well (shipped: {', '.join(shipped('robots'))})"
        )
    found = place.status()
    if found.problem is not None:
        raise ServiceError(found.problem)
    folder = Path(place.place)
    if robot is not None:
        return OfTarget(folder.name, folder, place.policy_path, _absolute(robot))
    file = find_given("targets", to, TargetConfig)
    data = read_yaml(file).data
    named = data["robot"]
    if not isinstance(named, str):
        raise ServiceError(
            f"{file}: robot: is written here in full; a service needs the robot's own file: name that here"
        )
    at = find("robots", named, relative_to=file.parent)
    return OfTarget(str(data["name"]), folder, place.policy_path, str(at) if is_path(named) else named)


def _absolute(robot: str) -> str:
    """Return the name of a shipped robot, or the absolute path of another."""
    file = find_given("robots", robot, RobotConfig)
    return robot if file.parent == ROOT / "robots" and not is_path(robot) else str(file)
