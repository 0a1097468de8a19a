"""Loads configurations: splices in references, applies overrides, validates."""

import json
from collections.abc import Callable
from os import fspath
from pathlib import Path
from typing import TypeVar

import yaml
from pydantic import ValidationError

from sim2real.configs.config_reference import find_given
from sim2real.configs.errors import ConfigError
from sim2real.configs.other_kind import refuse_other_kind
from sim2real.configs.override import apply_override
from sim2real.configs.schema.base import Config, MisplacedError
from sim2real.configs.schema.experiment import ExperimentConfig
from sim2real.configs.schema.gymnasium import GymnasiumConfig
from sim2real.configs.schema.motor import MotorConfig
from sim2real.configs.schema.randomization import RandomizationConfig
from sim2real.configs.schema.robot import RobotConfig
from sim2real.configs.schema.scenario import FaultsConfig, ScenarioConfig
from sim2real.configs.schema.target import TargetConfig
from sim2real.configs.schema.task import TaskConfig
from sim2real.configs.schema.transfer import TransferConfig
from sim2real.configs.splice import read_spliced
from sim2real.configs.validation_message import one_line
from sim2real.configs.yaml_scalars import CoreDumper
from sim2real.configs.yaml_source import Sourced, parse_yaml

ConfigT = TypeVar("ConfigT", bound=Config)

SCHEMAS: dict[str, type[Config]] = {
    "motors": MotorConfig,
    "robots": RobotConfig,
    "tasks": TaskConfig,
    "randomization": RandomizationConfig,
    "experiments": ExperimentConfig,
    "faults": FaultsConfig,
    "scenarios": ScenarioConfig,
    "targets": TargetConfig,
    "transfers": TransferConfig,
    "gymnasium": GymnasiumConfig,
}


def load_motor(reference: str, overrides: tuple[str, ...] = ()) -> MotorConfig:
    """Load a motor by shipped name or path. Raises ConfigError."""
    return load("motors", MotorConfig, reference, overrides)


def load_robot(reference: str | Path, overrides: tuple[str, ...] = ()) -> RobotConfig:
    """Load a robot by shipped name or path.

    Args:
        reference: A shipped name (`pendulum`), or a YAML file; a relative path starts from the working directory.
        overrides: Texts `key.path=value` on top of the file, such as `joints.pivot.effort_limit=0.4 N*m`.

    Returns:
        The robot, frozen and valid, in SI units: rad, rad/s, N·m, V, °C, s.

    Raises:
        ConfigError: States the file and line (or the override) of the error, and the valid values.

    Example:
        >>> import sim2real
        >>> robot = sim2real.load_robot("pendulum", overrides=("joints.pivot.effort_limit=0.4 N*m",))
        >>> robot.joint_names, robot.joints["pivot"].effort_limit
        (('pivot',), 0.4)
    """
    return load("robots", RobotConfig, fspath(reference), overrides)


def load_task(reference: str, overrides: tuple[str, ...] = ()) -> TaskConfig:
    """Load a task by shipped name or path. Raises ConfigError."""
    return load("tasks", TaskConfig, reference, overrides)


def load_randomization(reference: str, overrides: tuple[str, ...] = ()) -> RandomizationConfig:
    """Load a randomization by shipped name or path. Raises ConfigError."""
    return load("randomization", RandomizationConfig, reference, overrides)


def load_experiment(reference: str, overrides: tuple[str, ...] = ()) -> ExperimentConfig:
    """Load an experiment by shipped name or path. Raises ConfigError."""
    return load("experiments", ExperimentConfig, reference, overrides)


def load_faults(reference: str, overrides: tuple[str, ...] = ()) -> FaultsConfig:
    """Load the faults of an emulated robot by shipped name or path. Raises ConfigError."""
    return load("faults", FaultsConfig, reference, overrides)


def load_scenario(reference: str, overrides: tuple[str, ...] = ()) -> ScenarioConfig:
    """Load a scenario by shipped name or path. Raises ConfigError."""
    return load("scenarios", ScenarioConfig, reference, overrides)


def load_target(reference: str, overrides: tuple[str, ...] = ()) -> TargetConfig:
    """Load a flash target by shipped name or path. Raises ConfigError."""
    return load("targets", TargetConfig, reference, overrides)


def load_transfer(reference: str, overrides: tuple[str, ...] = ()) -> TransferConfig:
    """Load a transfer study by shipped name or path. Raises ConfigError."""
    return load("transfers", TransferConfig, reference, overrides)


def load_gymnasium(reference: str, overrides: tuple[str, ...] = ()) -> GymnasiumConfig:
    """Load a training run of a Gymnasium environment by shipped name or path. Raises ConfigError."""
    return load("gymnasium", GymnasiumConfig, reference, overrides)


def as_robot(robot: str | Path | RobotConfig) -> RobotConfig:
    """Return a robot from a shipped name or a path, or as given if already loaded. Raises ConfigError."""
    return robot if isinstance(robot, RobotConfig) else load_robot(robot)


def as_task(task: str | Path | TaskConfig, check: Callable[[TaskConfig], None] | None = None) -> TaskConfig:
    """Return a task from a shipped name or a path, see `load`, or as given if already loaded. Raises ConfigError."""
    return task if isinstance(task, TaskConfig) else load("tasks", TaskConfig, fspath(task), check=check)


def as_randomization(randomization: str | Path | RandomizationConfig) -> RandomizationConfig:
    """Return a randomization from a shipped name or a path, or as given if already loaded. Raises ConfigError."""
    return (
        randomization if isinstance(randomization, RandomizationConfig) else load_randomization(fspath(randomization))
    )


def as_experiment(
    experiment: str | Path | ExperimentConfig,
    overrides: tuple[str, ...] = (),
    check: Callable[[ExperimentConfig], None] | None = None,
) -> ExperimentConfig:
    """Return an experiment from a shipped name or a path, see `load`, or as given, with overrides applied.

    Raises:
        ConfigError: No such experiment, or it or an override is not valid.
    """
    if not isinstance(experiment, ExperimentConfig):
        return load("experiments", ExperimentConfig, fspath(experiment), overrides, check)
    if not overrides:
        return experiment
    return validate(ExperimentConfig, parse_yaml(dump(experiment), experiment.name), overrides, check)


def as_faults(faults: str | Path | FaultsConfig) -> FaultsConfig:
    """Return faults from a shipped name or a path, or as given if already loaded. Raises ConfigError."""
    return faults if isinstance(faults, FaultsConfig) else load_faults(fspath(faults))


def load(
    kind: str,
    schema: type[ConfigT],
    reference: str,
    overrides: tuple[str, ...] = (),
    check: Callable[[ConfigT], None] | None = None,
) -> ConfigT:
    """Load, splice, override and validate one configuration.

    Args:
        kind: One of `sim2real.configs.library.KINDS`.
        schema: The class to validate against.
        reference: A shipped name, or a file or folder, relative to the working directory; see `find_given`.
        overrides: Texts `key.path=value`; the value is YAML.
        check: A further check, of what only a layer above knows; see `validate`.

    Raises:
        ConfigError: Not valid; the message has the file and line (or the override), and what is valid.
    """
    path = find_given(kind, reference, schema)
    try:
        return validate(schema, read_spliced(schema, path), overrides, check)
    except ConfigError:
        refuse_other_kind(kind, path, SCHEMAS)  # says more than its first unknown key
        raise


def validate(
    schema: type[ConfigT],
    sourced: Sourced,
    overrides: tuple[str, ...] = (),
    check: Callable[[ConfigT], None] | None = None,
) -> ConfigT:
    """Apply overrides to spliced data and validate it.

    Args:
        schema: The class to validate against.
        sourced: The data; changed by the overrides.
        overrides: Texts `key.path=value`.
        check: Raises MisplacedError, with the key path from the top, for what it finds wrong.

    Raises:
        ConfigError: With the place of what is wrong.
    """
    for text in overrides:
        apply_override(schema, sourced, text)
    try:
        # As JSON, in strict mode: lists become tuples, but `true` is not a number and "3" is not an integer.
        config = schema.model_validate_json(json.dumps(sourced.data), strict=True)
    except ValidationError as error:
        raise ConfigError(one_line(schema, sourced, error)) from error
    if check is not None:
        try:
            check(config)
        except MisplacedError as error:
            raise ConfigError(f"{sourced.origin(error.at)}: {'.'.join(map(str, error.at))}: {error}") from error
    return config


def dump(config: Config) -> str:
    """Return YAML text, with references spliced in, that loads to an equal configuration."""
    return yaml.dump(config.model_dump(mode="json"), Dumper=CoreDumper, sort_keys=False, allow_unicode=True)
