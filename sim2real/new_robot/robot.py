"""Makes a robot YAML that loads and compiles from a model and the user's options."""

import os
from dataclasses import dataclass
from pathlib import Path

from sim2real.configs.errors import ConfigError, UserError
from sim2real.configs.families import family_speaking
from sim2real.configs.library import ROOT, find, is_path
from sim2real.configs.load import load_motor, validate
from sim2real.configs.schema.robot import RobotConfig
from sim2real.configs.splice import splice
from sim2real.configs.yaml_source import parse_yaml
from sim2real.hardware.families import motor_family
from sim2real.new_robot.checks import checks_of
from sim2real.new_robot.joint_angles import angles_of
from sim2real.new_robot.mjcf import Hinge, Mjcf, collect_warnings, read_mjcf
from sim2real.new_robot.names import NAME_RULE, is_name, robot_name
from sim2real.new_robot.start_values import DEFAULT_MOTOR, Motor
from sim2real.new_robot.yaml_text import Draft, robot_text
from sim2real.plant import MujocoPlant


@dataclass(frozen=True)
class NewRobotOptions:
    """The user's options; None is guessed."""

    name: str | None = None
    motor: str | None = None
    protocol: str | None = None
    joints: tuple[str, ...] | None = None


@dataclass(frozen=True)
class NewRobot:
    """A robot YAML that loads and whose model compiles."""

    text: str
    config: RobotConfig
    passive: tuple[str, ...]
    """Descriptions of the joints without a motor."""
    checks: tuple[str, ...]
    """What the user must check, one line each."""


def new_robot(path: Path, output: Path, options: NewRobotOptions) -> NewRobot:
    """Return the YAML of a robot for a model; writes no file.

    Args:
        path: The MJCF.
        output: Path of the future YAML file; references in the text are relative to its folder.
        options: The user's options.

    Raises:
        ConfigError: The model or an option is invalid; the message says what is valid.
    """
    folder = output.resolve().parent
    name = robot_name(path.stem, options.name)
    motor = chosen_motor(options, folder)
    mjcf = read_mjcf(path)
    hinges = chosen_hinges(mjcf, options.joints)
    try:
        joints = tuple((hinge, angles_of(hinge, motor.start.centre)) for hinge in hinges)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}; choose others with --joints") from error
    model = os.path.relpath(path.resolve(), ROOT / "robots" if folder.is_relative_to(ROOT) else folder)
    draft = Draft(name, model, motor, mjcf.pose, _first_id(path, motor, len(hinges)), joints)
    text = robot_text(draft)
    config = load_text(text, output)
    with collect_warnings() as warned:
        plant = compiled(config, path)
        checks = [*checks_of(mjcf, draft, config, plant)]
    passive = tuple(_description(hinge) for hinge in mjcf.hinges if hinge not in hinges)
    warnings = dict.fromkeys(f"MuJoCo warns: {line}" for line in (*mjcf.warnings, *warned))
    return NewRobot(text, config, mjcf.others + passive, (*checks, *warnings))


def chosen_motor(options: NewRobotOptions, folder: Path) -> Motor:
    """Return the given motor, or the default one of the protocol's family. Raises ConfigError."""
    protocol, reference = options.protocol, options.motor
    family = None if protocol is None else _family_speaking(protocol)
    check = "" if reference is not None else "no --motor was given"
    if reference is None:
        reference = DEFAULT_MOTOR if family is None else motor_family(family).start.motor
    config = load_motor(reference)
    if family not in (None, config.family):
        valid = motor_family(config.family).protocol
        raise ConfigError(f"--bus-protocol: motor {config.name!r} does not speak {protocol}; valid: {valid}")
    if is_path(reference):
        reference = os.path.relpath(find("motors", reference, relative_to=Path()), folder)
    return Motor(reference, config, check)


def _family_speaking(protocol: str) -> str:
    try:
        return family_speaking(protocol)
    except ConfigError as error:
        raise ConfigError(f"--bus-protocol: {error}") from None


def chosen_hinges(mjcf: Mjcf, names: tuple[str, ...] | None) -> tuple[Hinge, ...]:
    """Return the hinge joints that get motors, in the order of the model. Raises ConfigError."""
    if not mjcf.hinges:
        found = f"its joints: {', '.join(mjcf.others)}" if mjcf.others else "it has no joints"
        raise ConfigError(f"{mjcf.path}: no hinge joint for a motor to drive; {found}")
    valid = [hinge.name for hinge in mjcf.hinges if is_name(hinge.name)]
    nameless = [_description(hinge) for hinge in mjcf.hinges if not is_name(hinge.name)]
    advice = f'no valid name: {", ".join(nameless)}; write name="…" in the MJCF: {NAME_RULE}'
    if names is None:
        if nameless:
            others = f"; or leave them passive with --joints {','.join(valid)}" if valid else ""
            raise ConfigError(f"{mjcf.path}: {advice}{others}")
        return mjcf.hinges
    unknown = [name for name in names if name not in valid]
    if unknown or not names:
        what = f"no hinge joint named {unknown[0]!r}" if unknown else "no joint given"
        raise ConfigError(f"{mjcf.path}: --joints: {what}; valid: {', '.join(valid) or advice}")
    return tuple(hinge for hinge in mjcf.hinges if hinge.name in names)


def load_text(text: str, output: Path) -> RobotConfig:
    """Load the text as the content of the file. Raises ConfigError."""
    sourced = parse_yaml(text, str(output))
    splice(RobotConfig, sourced, output.resolve().parent)
    return validate(RobotConfig, sourced)


def compiled(config: RobotConfig, path: Path) -> MujocoPlant:
    """Return the robot's MuJoCo plant, without the model's actuators. Raises ConfigError."""
    try:
        return MujocoPlant(config)
    except UserError as error:
        raise ConfigError(
            f"{path}: {error}; it compiles only with the model's own actuators, which motors replace: remove what "
            "refers to them, such as ctrl of keyframes and sensors of actuators"
        ) from error


def _first_id(path: Path, motor: Motor, joints: int) -> int:
    """Return 1, the factory id in every family. Raises ConfigError if the bus has too few ids."""
    first, last = 1, motor.family.ids[-1]
    if joints > last - first + 1:
        raise ConfigError(f"{path}: {joints} hinge joints, but a bus has ids {first} to {last}; choose with --joints")
    return first


def _description(hinge: Hinge) -> str:
    return f"hinge joint {hinge.name!r}" if hinge.name else f"hinge joint of body {hinge.body!r}"
