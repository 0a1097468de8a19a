"""The target and the robot of the options `--to` and `--robot`."""

from pathlib import Path

from sim2real.configs.library import shipped
from sim2real.configs.load import load_robot, load_target
from sim2real.configs.schema.robot import RobotConfig
from sim2real.runtime.flash.directory import DirectoryTarget
from sim2real.runtime.flash.manifest import FlashError
from sim2real.runtime.flash.target import Target


def destination(to: str, robot: str | None) -> tuple[Target, RobotConfig | None]:
    """Return the target that a command was given, and its robot if that is known.

    Args:
        to: The name of a shipped target, the path of a target's YAML file, or a folder.
        robot: The robot of a folder, by name or path; a target file names its own.

    Raises:
        UserError: There is no such target, or it names its robot and another is given as well.
    """
    if to.endswith((".yaml", ".yml")) or to in shipped("targets"):
        if robot is not None:
            raise FlashError(f"--robot {robot}: is for a plain folder; the target {to!r} names its robot itself")
        config = load_target(to)
        return DirectoryTarget(_folder(config.path)), config.robot
    return DirectoryTarget(_folder(to)), load_robot(robot) if robot is not None else None


def destination_with_robot(to: str, robot: str | None) -> tuple[Target, RobotConfig]:
    """Like `destination`, where the robot must be known."""
    target, config = destination(to, robot)
    if config is None:
        raise FlashError(
            f"--to {to}: a plain folder needs --robot ROBOT as well (shipped: {', '.join(shipped('robots'))}); "
            f"or give the name of a target (shipped: {', '.join(shipped('targets')) or 'none'}) or its YAML file"
        )
    return target, config


def _folder(path: str) -> Path:
    """Return the absolute path of a folder; `~` is the home folder. Links stay: they may be exchanged while we run."""
    try:
        return Path(path).expanduser().absolute()
    except (OSError, RuntimeError) as error:  # an unknown user, a working directory that is gone
        raise FlashError(f"{path}: cannot be found: {error}") from error
