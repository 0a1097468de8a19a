"""The experiment that a run or a policy was trained with."""

from pathlib import Path

from sim2real.configs.errors import ConfigError, UserError
from sim2real.configs.load import validate
from sim2real.configs.schema.experiment import ExperimentConfig
from sim2real.configs.yaml_source import parse_yaml
from sim2real.training.trained_contract import OTHER_VERSION


def saved_experiment(text: str, path: Path) -> ExperimentConfig:
    """Return the experiment stored with a policy.

    Args:
        text: As it was stored.
        path: Its run or its file, for the message.

    Raises:
        UserError: It is not valid in this version.
    """
    try:
        return validate(ExperimentConfig, parse_yaml(text, str(path)))
    except ConfigError as error:
        raise UserError(f"{error}; {OTHER_VERSION}") from error
