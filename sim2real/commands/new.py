"""The `new` command: first files of a user's own robot, task, experiment and scenario."""

import os
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from sim2real.configs.command_line import typed
from sim2real.configs.command_outcome import Json, Outcome, reports
from sim2real.configs.errors import ConfigError, MissingExtraError
from sim2real.configs.library import is_path, shipped_policies
from sim2real.configs.load import load_experiment, load_randomization, load_scenario, load_task
from sim2real.new_robot.names import NAME_RULE, is_name, robot_name

if TYPE_CHECKING:
    from sim2real.new_robot.robot import NewRobot

_NAME_OF_RUN = "first"
"""Of a run that a user is to put in place of it."""

app = typer.Typer(
    help="Make the first files of your own: a robot, a task, an experiment, a scenario.", no_args_is_help=True
)


@app.callback()
def group() -> None:
    """Make the first files of your own: a robot, a task, an experiment, a scenario."""


@app.command()
@reports
def robot(
    model: Annotated[Path, typer.Argument(help="The robot's MJCF or URDF.", show_default=False)],
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
    package: Annotated[
        list[Path] | None, typer.Option("--package", help="Folder of a package of a URDF's meshes; may be repeated.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The file to write; else NAME.yaml in this folder.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the file.")] = False,
    json_output: Json = False,
) -> Outcome:
    """Write the first YAML of a robot from its MJCF or URDF; says what was guessed and has to be checked.

    Of a URDF with meshes in packages it writes an MJCF too.

    Example: sim2real new robot my_arm.xml --motor xm430_w350
    """
    try:
        from sim2real.new_robot.robot import NewRobotOptions, new_robot
        from sim2real.new_robot.urdf import as_mjcf, names_packages
    except ModuleNotFoundError as error:
        raise MissingExtraError("new robot", error.name or "mujoco", "train") from error
    chosen = None if joints is None else tuple(part.strip() for part in joints.split(",") if part.strip())
    target = output if output is not None else Path(f"{robot_name(model.stem, name)}.yaml")
    refuse(target, force)
    options = NewRobotOptions(name, motor, protocol, chosen, keyframe, tip)
    with ExitStack() as undone:
        if names_packages(model):
            mjcf = target.with_suffix(".xml")
            text, before = as_mjcf(model, mjcf, package or ()), mjcf.read_bytes() if mjcf.is_file() else None
            write(mjcf, text, force)
            undone.callback(lambda: mjcf.unlink() if before is None else mjcf.write_bytes(before))
            model = mjcf
        made = new_robot(model, target, options)
        write(target, made.text, force)
        undone.pop_all()
    return report(model, target, made)


@app.command()
@reports
def task(
    robot_file: Annotated[str, typer.Argument(metavar="ROBOT", help="A shipped robot, or its YAML file.")],
    kind: Annotated[str, typer.Option("--kind", help="reach, track, pose, walk, stand or balance.")],
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
    made = new_task(robot_file, _reference(robot_file, folder), kind)
    for name in made.texts:
        refuse(folder / name, force)
    written = [str(path) for path in write_all(made, folder)]
    experiment = str(folder / made.experiment)
    following = (typed("check", Path(experiment)), typed("train", Path(experiment)))
    lines = [f"[bold]{escape(path)}[/bold]" for path in written]
    return Outcome({"task": made.name, "paths": written, "next": following}, "\n".join(lines), next=following)


@app.command()
@reports
def scenario(
    task_file: Annotated[str, typer.Argument(metavar="TASK", help="A shipped task, or its YAML file.")],
    name: Annotated[str | None, typer.Option("--name", help="Name of the scenario; else TASK_poor_cable.")] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The file to write; else NAME.yaml in this folder.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the file.")] = False,
    json_output: Json = False,
) -> Outcome:
    """Write the first hardware-in-the-loop scenario of a task: a fault, and what is expected. It runs as it is.

    Example: sim2real new scenario pendulum_swingup --name bad_cable
    """
    from sim2real.new_robot.scenario_text import new_scenario

    config = load_task(task_file)
    chosen = _name(name, f"{config.name}_poor_cable")
    target = _target(output, chosen, force)
    text = new_scenario(config, _reference(task_file, target.parent), chosen)
    _write_valid(target, text, force, load_scenario)
    shipped = config.name in shipped_policies()
    after = (typed("hil", target, None if shipped else ["--policy", _NAME_OF_RUN]),)
    said = f"[bold]{escape(str(target))}[/bold]: replies are lost now and then; what is expected is at its end"
    return Outcome({"scenario": chosen, "path": str(target), "next": after}, said, next=after)


@app.command()
@reports
def experiment(
    task_file: Annotated[str, typer.Argument(metavar="TASK", help="A shipped task, or its YAML file.")],
    algorithm: Annotated[str, typer.Option("--algorithm", help="Learning algorithm: ppo, sac, td3, …")] = "ppo",
    randomization: Annotated[
        str | None,
        typer.Option("--randomization", help="A shipped name or its YAML file; else the robot's shipped one, or none."),
    ] = None,
    name: Annotated[str | None, typer.Option("--name", help="Name of the experiment; else TASK_ALGORITHM.")] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The file to write; else NAME.yaml in this folder.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the file.")] = False,
    json_output: Json = False,
) -> Outcome:
    """Write the first experiment of a task: algorithm, randomisation, number of robots and steps. It trains as it is.

    Example: sim2real new experiment pendulum_swingup --algorithm sac --name mine
    """
    from sim2real.new_robot.experiment_text import fitting_randomization, new_experiment

    config = load_task(task_file)
    chosen = _name(name, f"{config.name}_{algorithm}")
    target = _target(output, chosen, force)
    world = fitting_randomization(config) if randomization is None else randomization
    load_randomization(world)
    text, source = new_experiment(
        config, _reference(task_file, target.parent), chosen, algorithm, _reference(world, target.parent)
    )
    _write_valid(target, text, force, load_experiment)
    after = (typed("check", target), typed("train", target))
    document = {"experiment": chosen, "path": str(target), "from": source, "next": after}
    return Outcome(document, f"[bold]{escape(str(target))}[/bold]: {algorithm}, from {escape(source)}", next=after)


def _name(given: str | None, made: str) -> str:
    """Return a name that a YAML file may have. Raises ConfigError."""
    name = made[:64] if given is None else given
    if not is_name(name):
        raise ConfigError(f"--name: {name!r} is not a valid name; valid: {NAME_RULE}")
    return name


def _target(output: Path | None, name: str, force: bool) -> Path:
    """Return the file to write. Raises ConfigError if it must not or cannot be written."""
    target = output if output is not None else Path(f"{name}.yaml")
    refuse(target, force)
    return target


def _reference(given: str, folder: Path) -> str:
    """Return what a file in a folder names a configuration by: the shipped name, or the path from there."""
    if not is_path(given) and not Path(f"{given}.yaml").is_file():
        return given
    path = Path(given if is_path(given) else f"{given}.yaml")
    reference = os.path.relpath(path.resolve(), folder.resolve())
    return reference if reference.startswith(".") else f"./{reference}"


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


def _write_valid(target: Path, text: str, force: bool, load: Callable[[str], object]) -> None:
    """Write a file that loads; one that does not goes again. Raises ConfigError."""
    write(target, text, force)
    try:
        load(str(target.absolute()))
    except ConfigError:
        target.unlink()
        raise


def report(model: Path, target: Path, made: "NewRobot") -> Outcome:
    """Return what was written, what is to be checked, and what to do next."""
    path, config = str(target), made.config
    following = (typed("check", target), typed("emulate", target))
    lines = [
        f"[bold]{escape(path)}[/bold]: robot {escape(config.name)}; it loads, and its model compiles",
        f"joints with a motor ({len(config.joints)}): {', '.join(config.joints)}",
        f"joints left passive ({len(made.passive)}): {escape(', '.join(made.passive) or '-')}",
        "[bold]check[/bold], before a motor moves (guesses are marked `check:` in the file):",
        *(f"  - {escape(check)}" for check in made.checks),
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
    return Outcome(document, "\n".join(lines), next=following)
