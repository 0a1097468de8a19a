"""Says what a file is, when it is of another kind than the one that is meant."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from sim2real.configs.errors import ConfigError
from sim2real.configs.schema.base import Config
from sim2real.configs.yaml_source import read_yaml

_WORDS: Final = {
    "motors": "a motor",
    "robots": "the YAML of a robot",
    "tasks": "a task",
    "randomization": "a randomization",
    "experiments": "an experiment",
    "faults": "a list of faults",
    "scenarios": "a scenario",
    "targets": "a target",
    "transfers": "a transfer study",
    "gymnasium": "an experiment for an environment of Gymnasium's",
    "policies": "a policy",
}
"""One of each kind."""
_SUFFIXES: Final = {
    ".xml": ("a robot's model", "sim2real new robot {} --motor MOTOR"),
    ".mjcf": ("a robot's model", "sim2real new robot {} --motor MOTOR"),
    ".urdf": ("a robot's model", "sim2real new robot {} --motor MOTOR"),
    ".onnx": ("a policy", "sim2real inspect {}"),
    ".mcap": ("a log", "sim2real report {}"),
}
_NEXT: Final = {
    ("robots", "tasks"): "sim2real new task {} --kind KIND",
    ("robots", "experiments"): "sim2real new task {} --kind KIND",
    ("tasks", "experiments"): "sim2real new experiment {}",
    ("tasks", "scenarios"): "sim2real new scenario {}",
}
"""Command that makes the second kind of the first."""


def required_keys(schema: type[Config]) -> set[str]:
    """Return the keys that a file of a schema must have."""
    return {name for name, field in schema.model_fields.items() if field.is_required()}


def refuse_other_file(kind: str, path: Path) -> None:
    """Refuse a file whose name says that it is something else.

    Args:
        kind: The kind that is meant, `policies` or one of `sim2real.configs.library.KINDS`.
        path: What was typed.

    Raises:
        ConfigError: Says what it is, and what takes it.
    """
    what, command = _SUFFIXES.get(path.suffix, ("", ""))
    if what and what != _WORDS[kind] and path.is_file():
        takes = f"; `{command.format(path)}` takes it" if command else ""
        raise ConfigError(f"{path}: is {what}, where {_WORDS[kind]} is meant{takes}")


def refuse_other_kind(kind: str, path: Path, schemas: Mapping[str, type[Config]]) -> None:
    """Refuse a YAML file that is of another kind, as its keys say.

    A file with all the required keys of another kind, no unknown ones, and some that the kind that is meant does not
    know, is of that other kind: its first unknown key would be a message that misleads.

    Args:
        kind: The kind that is meant.
        path: The file.
        schemas: Schema of each kind.

    Raises:
        ConfigError: Says what it is, and what would make one of the kind that is meant.
    """
    data = read_yaml(path).data
    if not isinstance(data, dict) or not set(data) - set(schemas[kind].model_fields):
        return
    for other, schema in schemas.items():
        if other != kind and required_keys(schema) <= set(data) <= set(schema.model_fields):
            command = _NEXT.get((other, kind))
            makes = f"; `{command.format(path)}` makes one" if command else ""
            raise ConfigError(f"{path}: is {_WORDS[other]}, where {_WORDS[kind]} is meant{makes}")
