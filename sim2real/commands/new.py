"""The `new` command: first files of a user's own robot."""

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from sim2real.configs.command_outcome import Json, Outcome, reports
from sim2real.configs.errors import ConfigError, MissingExtraError
from sim2real.configs.library import is_path
from sim2real.new_robot.names import robot_name

if TYPE_CHECKING:
    from sim2real.new_robot.robot import NewRobot

app = typer.Typer(help="Make the first files of your own robot.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """Make the first files of your own robot."""


@app.command()
@reports
def robot(
    model: Annotated[Path, typer.Argument(help="The robot's MJCF.", show_default=False)],
    name: Annotated[str | None, typer.Option("--name", help="Name of the robot; else the file's.")] = None,
    motor: Annotated[
        str | None, typer.Option("--motor", help="Shipped motor or its YAML file, for every joint.")
    ] = None,
    protocol: Annotated[
        str | None, typer.Option("--bus-protocol", help="Protocol of an installed motor family; else the motor's.")
    ] = None,
    joints: Annotated[
        str | None, typer.Option("--joints", help="Joints with a motor, as a,b,c; else those that an actuator drives.")
    ] = None,
    keyframe: Annotated[
        str | None, typer.Option("--keyframe", help="Keyframe of the model with the start pose; else home.")
    ] = None,
    tip: Annotated[
        str | None, typer.Option("--tip", help="Site or body at the tip; else a guess, for a fixed base.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The file to write; else NAME.yaml in this folder.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the file.")] = False,
    json_output: Json = False,
) -> Outcome:
    """Write the first YAML of a robot from its MJCF; says what was guessed and has to be checked.

    Example: sim2real new robot my_arm.xml --motor xm430_w350
    """
    try:
        from sim2real.new_robot.robot import NewRobotOptions, new_robot
    except ModuleNotFoundError as error:
        raise MissingExtraError("new robot", error.name or "mujoco", "train") from error
    chosen = None if joints is None else tuple(part.strip() for part in joints.split(",") if part.strip())
    target = output if output is not None else Path(f"{robot_name(model.stem, name)}.yaml")
    refuse(target, force)
    made = new_robot(model, target, NewRobotOptions(name, motor, protocol, chosen, keyframe, tip))
    write(target, made.text, force)
    return report(model, target, made)


@app.command()
@reports
def task(
    robot_file: Annotated[str, typer.Argument(metavar="ROBOT", help="A shipped robot, or its YAML file.")],
    kind: Annotated[str, typer.Option("--kind", help="reach, track, walk, stand or balance.")],
    folder: Annotated[Path, typer.Option("--output", "-o", help="Folder of the files.")] = Path(),
    force: Annotated[bool, typer.Option("--force", help="Overwrite the files.")] = False,
    json_output: Json = False,
) -> Outcome:
    """Write the first task of a robot, with its randomisation and its experiment; they train as they are.

    Example: sim2real new task quadruped --kind walk
    """
    try:
        from sim2real.new_robot.task_text import new_task, write_all
    except ModuleNotFoundError as error:
        raise MissingExtraError("new task", error.name or "mujoco", "train") from error
    if not folder.is_dir():
        raise ConfigError(f"--output: there is no folder {folder}")
    reference = robot_file
    if is_path(robot_file):
        reference = os.path.relpath(Path(robot_file).resolve(), folder.resolve())
        reference = reference if reference.startswith(".") else f"./{reference}"
    made = new_task(robot_file, reference, kind)
    for name in made.texts:
        refuse(folder / name, force)
    written = [str(path) for path in write_all(made, folder)]
    experiment = str(folder / made.experiment)
    following = [f"sim2real check {_argument(experiment)}", f"sim2real train {_argument(experiment)}"]
    lines = [f"[bold]{escape(path)}[/bold]" for path in written]
    lines += ["[bold]next[/bold]:", *(f"  {escape(command)}" for command in following)]
    return Outcome({"task": made.name, "paths": written, "next": following}, "\n".join(lines))


def refuse(target: Path, force: bool) -> None:
    """Raise ConfigError for a file that must not or cannot be written."""
    if target.suffix not in (".yaml", ".yml"):
        raise ConfigError(f"--output: {target} is no YAML file; valid: a name that ends in .yaml")
    if not target.parent.is_dir():
        raise ConfigError(f"--output: there is no folder {target.parent}")
    if target.is_dir():
        raise ConfigError(f"--output: {target} is a folder")
    if os.path.lexists(target) and not force:
        raise ConfigError(f"{target} is there already; --force overwrites it, --output writes another")


def write(target: Path, text: str, force: bool) -> None:
    """Write the file. Raises ConfigError."""
    try:
        with target.open("w" if force else "x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise ConfigError(f"{target}: cannot be written: {error.strerror}") from error


def report(model: Path, target: Path, made: "NewRobot") -> Outcome:
    """Return what was written, what is to be checked, and what to do next."""
    path, config = str(target), made.config
    following = [f"sim2real config show robots {_argument(path)}", f"sim2real emulate {_argument(path)}"]
    lines = [
        f"[bold]{escape(path)}[/bold]: robot {escape(config.name)}; it loads, and its model compiles",
        f"joints with a motor ({len(config.joints)}): {', '.join(config.joints)}",
        f"joints left passive ({len(made.passive)}): {escape(', '.join(made.passive) or '-')}",
        "[bold]check[/bold], before a motor moves (guesses are marked `check:` in the file):",
        *(f"  - {escape(check)}" for check in made.checks),
        "[bold]next[/bold]:",
        *(f"  {escape(command)}" for command in following),
    ]
    document = {
        "robot": config.name,
        "path": path,
        "model": str(model),
        "joints": {name: {"id": joint.id, "motor": joint.motor.name} for name, joint in config.joints.items()},
        "passive": list(made.passive),
        "checks": list(made.checks),
        "next": following,
    }
    return Outcome(document, "\n".join(lines))


def _argument(path: str) -> str:
    return shlex.quote(path if not path.startswith("-") else f"./{path}")
