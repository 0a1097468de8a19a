"""The experiment that a run or a policy was trained with."""

from collections.abc import Callable
from pathlib import Path

from sim2real.configs.config_reference import find_given
from sim2real.configs.errors import ConfigError, UserError
from sim2real.configs.load import load, validate
from sim2real.configs.schema.experiment import ExperimentConfig
from sim2real.configs.schema.gymnasium import GymnasiumConfig
from sim2real.configs.schema.training import TrainingConfig
from sim2real.configs.yaml_source import Sourced, parse_yaml, read_yaml
from sim2real.training.trained_contract import OTHER_VERSION


def schema_of(sourced: Sourced) -> type[ExperimentConfig] | type[GymnasiumConfig]:
    """Return which kind of run data describes: one with `environment` is of a Gymnasium environment."""
    data = sourced.data
    return GymnasiumConfig if isinstance(data, dict) and "environment" in data else ExperimentConfig


def saved_training(text: str, path: Path, overrides: tuple[str, ...] = ()) -> ExperimentConfig | GymnasiumConfig:
    """Return what is stored with a policy, of either kind.

    Args:
        text: As it was stored.
        path: Its run or its file, for the message.
        overrides: Texts `key.path=value` on top of it.

    Raises:
        UserError: It is not valid in this version, or an override is not.
    """
    sourced = parse_yaml(text, str(path))
    schema = schema_of(sourced)
    try:
        saved = validate(schema, sourced)
    except ConfigError as error:
        raise UserError(f"{error}; {OTHER_VERSION}") from error
    return validate(schema, sourced, overrides) if overrides else saved


def load_training(
    path: str, overrides: tuple[str, ...] = (), check: Callable[[ExperimentConfig], None] | None = None
) -> ExperimentConfig | GymnasiumConfig:
    """Load an experiment of either kind.

    Args:
        path: A shipped name, a file, or a folder with one, such as a run.
        overrides: Texts `key.path=value` on top of it.
        check: A further check of an experiment with a robot.

    Raises:
        ConfigError: It is not valid.
    """
    file = find_given("experiments", path, ExperimentConfig, GymnasiumConfig)
    if schema_of(read_yaml(file)) is GymnasiumConfig:
        return load("gymnasium", GymnasiumConfig, str(file), overrides)
    return load("experiments", ExperimentConfig, str(file), overrides, check)


def saved_experiment(text: str, path: Path) -> ExperimentConfig:
    """Return the experiment of a robot's task that is stored with a policy.

    Raises:
        UserError: It is not valid in this version, or of an environment of Gymnasium's.
    """
    experiment = saved_training(text, path)
    if not isinstance(experiment, ExperimentConfig):
        raise UserError(f"{path}: is for the environment {environment_name(experiment)}, and for no robot")
    return experiment


def environment_name(experiment: TrainingConfig) -> str:
    """Return the id of a run's environment, or the name of one that was given from Python."""
    given = experiment.environment.id if isinstance(experiment, GymnasiumConfig) else None
    return given or experiment.name
