"""Makes a robot YAML that loads and compiles from a model and the user's options."""

import os
from dataclasses import dataclass, replace
from pathlib import Path

from sim2real.configs.errors import ConfigError, UserError
from sim2real.configs.library import ROOT
from sim2real.configs.load import validate
from sim2real.configs.schema.robot import RobotConfig
from sim2real.configs.splice import splice
from sim2real.configs.yaml_source import parse_yaml
from sim2real.model.kinematics_check import check_tip
from sim2real.new_robot.checks import checks_of
from sim2real.new_robot.feet import feet_of
from sim2real.new_robot.joint_angles import Angles, angles_of
from sim2real.new_robot.joint_loads import joint_drives
from sim2real.new_robot.mjcf import Mjcf, ModelJoint, collect_warnings, read_mjcf
from sim2real.new_robot.motor_choice import given_motor, needed_effort, strong_enough
from sim2real.new_robot.names import robot_name, yaml_names
from sim2real.new_robot.neighbours import overlapping_neighbours
from sim2real.new_robot.stance import stance_lines, standing_pose
from sim2real.new_robot.standing import standing_of
from sim2real.new_robot.start_values import Motor
from sim2real.new_robot.tip_chain import tip_of
from sim2real.new_robot.yaml_text import Draft, robot_text
from sim2real.plant import MujocoPlant


@dataclass(frozen=True)
class NewRobotOptions:
    """The user's options; None is guessed."""

    name: str | None = None
    motor: str | None = None
    protocol: str | None = None
    joints: tuple[str, ...] | None = None
    keyframe: str | None = None
    tip: str | None = None


@dataclass(frozen=True)
class NewRobot:
    """A robot YAML that loads and whose model compiles."""

    text: str
    config: RobotConfig
    passive: tuple[str, ...]
    """Descriptions of the joints without a motor, with the reason."""
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
    motor = given_motor(options.motor, options.protocol, folder)
    mjcf = read_mjcf(path, options.keyframe)
    names = yaml_names(joint.name for joint in mjcf.joints)
    chosen = chosen_joints(mjcf, names, options.joints)
    feet = feet_of(mjcf, chosen)
    mjcf = standing_pose(mjcf, chosen, feet)
    chosen = tuple(joint for joint in mjcf.joints if joint.name in {each.name for each in chosen})
    model = os.path.relpath(path.resolve(), ROOT / "robots" if folder.is_relative_to(ROOT) else folder)
    standing = standing_of(mjcf, chosen)
    held = tuple(name for name in mjcf.drives.pulled if name not in {joint.name for joint in chosen})
    tip, soles = tip_of(mjcf, chosen, options.tip), tuple(foot.geom for foot in feet)
    apart = overlapping_neighbours(mjcf, chosen)

    def with_motor(motor: Motor) -> tuple[Draft, RobotConfig, MujocoPlant]:
        joints, first = _angles(path, motor, chosen), _first_id(path, motor, len(chosen))
        draft = Draft(name, model, motor, mjcf.pose, first, joints, names, standing, held, tip, soles, apart)
        config = load_text(robot_text(draft), output)
        plant = compiled(config, path)
        draft = replace(draft, drives=joint_drives(config, plant))
        return draft, load_text(robot_text(draft), output), plant

    with collect_warnings() as warned:
        draft, config, plant = with_motor(motor)
        if options.motor is None:
            needed = needed_effort(mjcf, chosen, feet, draft.drives)
            stronger = strong_enough(motor, needed, of_its_family=options.protocol is not None)
            if stronger is not motor:
                motor = stronger
                draft, config, plant = with_motor(motor)
        check_tip(plant.model, config)
        checks = [*checks_of(mjcf, draft, config, plant), *stance_lines(mjcf, chosen, feet, motor.effort)]
    passive = tuple(_passive(joint, mjcf) for joint in mjcf.joints if joint not in chosen)
    warnings = dict.fromkeys(f"MuJoCo warns: {line}" for line in (*mjcf.warnings, *warned))
    return NewRobot(robot_text(draft), config, mjcf.others + passive, (*checks, *warnings))


def chosen_joints(mjcf: Mjcf, names: dict[str, str], wanted: tuple[str, ...] | None) -> tuple[ModelJoint, ...]:
    """Return the joints that get motors, in the order of the model. Raises ConfigError.

    Args:
        mjcf: The model.
        names: Names in the YAML by name in the model.
        wanted: The user's choice, by either name. Otherwise: the joints that an actuator drives; if the model has no
            actuators, the hinges that nothing else moves.
    """
    if not mjcf.joints:
        found = f"its joints: {', '.join(mjcf.others)}" if mjcf.others else "it has no joints"
        raise ConfigError(f"{mjcf.path}: no hinge joint for a motor to drive; {found}")
    if wanted is not None:
        known = [*names.values(), *names]
        unknown = [name for name in wanted if name not in known]
        if unknown or not wanted:
            what = f"no hinge joint named {unknown[0]!r}" if unknown else "no joint given"
            raise ConfigError(f"{mjcf.path}: --joints: {what}; valid: {', '.join(names.values())}")
        return tuple(joint for joint in mjcf.joints if joint.name in wanted or names[joint.name] in wanted)
    drives = mjcf.drives
    if drives.actuators:
        chosen = tuple(joint for joint in mjcf.joints if joint.name in drives.driven and joint.can_move)
        without = f"no actuator drives a joint that can move; its actuators: {'; '.join(drives.dropped) or 'of others'}"
    else:
        free = (joint for joint in mjcf.joints if not joint.slides and joint.name not in drives.tied)
        chosen = tuple(joint for joint in free if joint.can_move)
        without = f"no hinge joint for a motor to drive; its joints: {', '.join(_passives(mjcf))}"
    if not chosen:
        raise ConfigError(f"{mjcf.path}: {without}; choose joints with --joints; valid: {', '.join(names.values())}")
    return chosen


def _passives(mjcf: Mjcf) -> list[str]:
    return [*mjcf.others, *(_passive(joint, mjcf) for joint in mjcf.joints)]


def _passive(joint: ModelJoint, mjcf: Mjcf) -> str:
    """Return the description of a joint without a motor, and why it has none."""
    why = mjcf.drives.reasons.get(joint.name)
    if why is None and joint.name in mjcf.drives.driven:
        why = None if joint.can_move else "its range is zero"
    elif why is None and mjcf.drives.actuators:
        why = "no actuator drives it"
    return f"{joint.description}: {why}" if why else joint.description


def load_text(text: str, output: Path) -> RobotConfig:
    """Load the text as the content of the file. Raises ConfigError."""
    sourced = parse_yaml(text, str(output))
    splice(RobotConfig, sourced, output.resolve().parent)
    return validate(RobotConfig, sourced)


def compiled(config: RobotConfig, path: Path) -> MujocoPlant:
    """Return the robot's MuJoCo plant, without the model's actuators. Raises ConfigError."""
    try:
        return MujocoPlant(config)
    except ConfigError:  # its start
        raise
    except UserError as error:
        raise ConfigError(
            f"{path}: {error}; it compiles only with the model's own actuators, which motors replace: remove what "
            "refers to them, such as ctrl of keyframes and sensors of actuators"
        ) from error


def _angles(path: Path, motor: Motor, joints: tuple[ModelJoint, ...]) -> tuple[tuple[ModelJoint, Angles], ...]:
    """Return the joints with their angles in the motor's turn. Raises ConfigError."""
    try:
        return tuple((joint, angles_of(joint, motor.start.centre)) for joint in joints)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}; choose others with --joints") from error


def _first_id(path: Path, motor: Motor, joints: int) -> int:
    """Return 1, the factory id in every family. Raises ConfigError if the bus has too few ids."""
    first, last = 1, motor.family.ids[-1]
    if joints > last - first + 1:
        raise ConfigError(f"{path}: {joints} joints, but a bus has ids {first} to {last}; choose with --joints")
    return first
