"""Which motor a new robot gets: the user's, or the weakest shipped one that carries the model."""

import os
from collections.abc import Mapping
from pathlib import Path

from sim2real.configs.config_reference import find_given
from sim2real.configs.errors import ConfigError
from sim2real.configs.families import family_speaking
from sim2real.configs.library import ROOT, shipped
from sim2real.configs.load import load_motor
from sim2real.configs.schema.motor import MotorConfig
from sim2real.hardware.families import motor_family
from sim2real.new_robot.feet import Foot
from sim2real.new_robot.joint_loads import GRAVITY_SHARE, JointDrive
from sim2real.new_robot.mjcf import Mjcf, ModelJoint
from sim2real.new_robot.stance import EFFORT_SHARE, hardest
from sim2real.new_robot.start_values import DEFAULT_MOTOR, Motor

_GUESSED = "no --motor was given"


def given_motor(reference: str | None, protocol: str | None, folder: Path) -> Motor:
    """Return the user's motor, or the default one of the protocol's family.

    Args:
        reference: A shipped motor, or a path; None for the default.
        protocol: A bus protocol that the motor must speak, if not None.
        folder: That of the future robot YAML, to which a path is relative.

    Raises:
        ConfigError: There is no such motor or protocol, or the motor does not speak it.
    """
    family = None if protocol is None else _family_speaking(protocol)
    check = "" if reference is not None else _GUESSED
    if reference is None:
        reference = DEFAULT_MOTOR if family is None else motor_family(family).start.motor
    config = load_motor(reference)
    if family not in (None, config.family):
        valid = motor_family(config.family).protocol
        raise ConfigError(f"--bus-protocol: motor {config.name!r} does not speak {protocol}; valid: {valid}")
    if not (source := find_given("motors", reference, MotorConfig)).is_relative_to(ROOT):
        reference = os.path.relpath(source, folder)
    return Motor(reference, config, check)


def _family_speaking(protocol: str) -> str:
    try:
        return family_speaking(protocol)
    except ConfigError as error:
        raise ConfigError(f"--bus-protocol: {error}") from None


def needed_effort(
    mjcf: Mjcf, motors: tuple[ModelJoint, ...], feet: tuple[Foot, ...], drives: Mapping[str, JointDrive]
) -> float:
    """Return the effort limit that the hardest joint needs, N·m.

    With feet it is that of a leg on half of them in the start pose, without that of gravity over the range, the base
    held; each with the share that is left to balance, step and accelerate.
    """
    if len(feet) >= 2:
        return hardest(mjcf, motors, feet)[0] / EFFORT_SHARE
    return max(drive.load.gravity for drive in drives.values()) / GRAVITY_SHARE


def strong_enough(motor: Motor, needed: float, *, of_its_family: bool) -> Motor:
    """Return a guessed motor if it reaches an effort limit, else the weakest shipped one that does, or the strongest.

    Args:
        motor: The guessed one.
        needed: Effort limit, N·m.
        of_its_family: Whether the user's protocol leaves only motors of its family.
    """
    if motor.effort >= needed:
        return motor
    others = [Motor(name, load_motor(name), _GUESSED) for name in shipped("motors")]
    stronger = [
        other
        for other in others
        if other.effort > motor.effort and (not of_its_family or other.config.family == motor.config.family)
    ]
    if not stronger:
        return motor
    stronger.sort(key=lambda other: (other.effort, other.reference))
    chosen = next((other for other in stronger if other.effort >= needed), stronger[-1])
    which = (
        "the weakest that holds the robot" if chosen.effort >= needed else "the strongest; none holds the robot well"
    )
    return Motor(chosen.reference, chosen.config, f"{_GUESSED}; of the shipped ones {which}")
