"""Loads configurations: references to other files are spliced in, overrides applied, and all of it validated."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import yaml
from pydantic import ValidationError

from sim2real.configs.errors import ConfigError
from sim2real.configs.explain import one_line
from sim2real.configs.library import find
from sim2real.configs.override import apply_override
from sim2real.configs.scalars import CoreDumper
from sim2real.configs.schema.base import Config, MisplacedError
from sim2real.configs.schema.experiment import ExperimentConfig
from sim2real.configs.schema.motor import MotorConfig
from sim2real.configs.schema.randomization import RandomizationConfig
from sim2real.configs.schema.robot import RobotConfig
from sim2real.configs.schema.scenario import FaultsConfig, ScenarioConfig
from sim2real.configs.schema.target import TargetConfig
from sim2real.configs.schema.task import TaskConfig
from sim2real.configs.schema.transfer import TransferConfig
from sim2real.configs.source import Sourced
from sim2real.configs.splice import read_spliced

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
}


def load_motor(reference: str, overrides: tuple[str, ...] = ()) -> MotorConfig:
    """Load a motor by shipped name or path. Raises ConfigError."""
    return load("motors", MotorConfig, reference, overrides)


def load_robot(reference: str, overrides: tuple[str, ...] = ()) -> RobotConfig:
    """Load a robot by shipped name or path. Raises ConfigError."""
    return load("robots", RobotConfig, reference, overrides)


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
        reference: A shipped name, or a path relative to the working directory.
        overrides: Texts `key.path=value`; the value is YAML.
        check: A further check, of what only a layer above knows; see `validate`.

    Raises:
        ConfigError: With the file and line (or the override) of what is wrong, and what would be valid.
    """
    return validate(schema, read_spliced(schema, find(kind, reference, relative_to=Path.cwd())), overrides, check)


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
        # As JSON, in strict mode: lists become tuples, but `true` is no number and "3" no integer.
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
    """Return YAML text that loads to an equal configuration, references spliced in."""
    return yaml.dump(config.model_dump(mode="json"), Dumper=CoreDumper, sort_keys=False, allow_unicode=True)
