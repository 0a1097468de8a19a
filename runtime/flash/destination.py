"""The place of the options `--to` and `--robot`."""

from pathlib import Path

from sim2real.configs.library import shipped
from sim2real.configs.load import load_robot, load_target
from sim2real.runtime.flash.directory import DirectoryTarget
from sim2real.runtime.flash.manifest import FlashError
from sim2real.runtime.flash.place import LocalPlace, Place
from sim2real.runtime.flash.serial_place import SCHEME, SerialPlace
from sim2real.runtime.flash.ssh import SshPlace
from sim2real.runtime.flash.terms import Terms


def destination(to: str, robot: str | None) -> Place:
    """Return the place that a command was given.

    Args:
        to: The name of a shipped target, the path of a target's YAML file, a folder, or `serial://PORT`.
        robot: The robot of a folder, by name or path; a target file names its own.

    Raises:
        UserError: There is no such target, or it names its robot and another is given as well.
    """
    if to.startswith(SCHEME):
        if robot is not None:
            raise FlashError(f"--robot {robot}: is for a plain folder; a controller takes images of whatever robot")
        return SerialPlace.of(to)
    if to.endswith((".yaml", ".yml")) or to in shipped("targets"):
        if robot is not None:
            raise FlashError(f"--robot {robot}: is for a plain folder; the target {to!r} names its robot itself")
        config = load_target(to)
        if config.ssh is not None:
            return SshPlace(config, config.ssh)
        return LocalPlace(DirectoryTarget(_folder(config.path)), config.robot, Terms.of(config))
    return LocalPlace(DirectoryTarget(_folder(to)), load_robot(robot) if robot is not None else None, None)


def destination_with_robot(to: str, robot: str | None) -> Place:
    """Like `destination`, where the robot must be known."""
    place = destination(to, robot)
    if isinstance(place, LocalPlace) and place.robot is None:
        raise FlashError(
            f"--to {to}: a plain folder needs --robot ROBOT as well (shipped: {', '.join(shipped('robots'))}); "
            f"or give the name of a target (shipped: {', '.join(shipped('targets')) or 'none'}) or its YAML file"
        )
    return place


def _folder(path: str) -> Path:
    """Return the absolute path of a folder; `~` is the home folder. Links stay: they may be exchanged while we run."""
    try:
        return Path(path).expanduser().absolute()
    except (OSError, RuntimeError) as error:  # an unknown user, a working directory that is gone
        raise FlashError(f"{path}: cannot be found: {error}") from error
