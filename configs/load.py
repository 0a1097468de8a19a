"""Loads configurations: references to other files are spliced in, overrides applied, and all of it validated."""

import difflib
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

import yaml
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from configs.errors import ConfigError
from configs.library import ROOT, find
from configs.schema.base import Config, Reference
from configs.schema.experiment import ExperimentConfig
from configs.schema.motor import MotorConfig
from configs.schema.randomization import RandomizationConfig
from configs.schema.robot import RobotConfig
from configs.schema.scenario import FaultsConfig, ScenarioConfig
from configs.schema.target import TargetConfig
from configs.schema.task import TaskConfig
from configs.source import KeyPath, Sourced, parse_yaml, read_yaml

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
}

_REFERENCES_DEEP_MAX = 8  # scenario -> task -> robot -> motor is 3; more is a cycle


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


def load(kind: str, schema: type[ConfigT], reference: str, overrides: tuple[str, ...] = ()) -> ConfigT:
    """Load, splice, override and validate one configuration.

    Args:
        kind: One of `configs.library.KINDS`.
        schema: The class to validate against.
        reference: A shipped name, or a path relative to the working directory.
        overrides: Texts `key.path=value`; the value is YAML.

    Raises:
        ConfigError: With the file and line (or the override) of what is wrong, and what would be valid.
    """
    return validate(schema, _read_spliced(schema, find(kind, reference, relative_to=Path.cwd())), overrides)


def validate(schema: type[ConfigT], sourced: Sourced, overrides: tuple[str, ...] = ()) -> ConfigT:
    """Apply overrides to spliced data and validate it. Raises ConfigError."""
    for text in overrides:
        _override(schema, sourced, text)
    try:
        return schema.model_validate(sourced.data)
    except ValidationError as error:
        raise ConfigError(_one_line(schema, sourced, error)) from error
    except RecursionError as error:
        raise ConfigError(f"{sourced.origin(())}: nested too deeply") from error


def dump(config: Config) -> str:
    """Return YAML text that loads to an equal configuration, references spliced in."""
    return yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False, allow_unicode=True)


def _read_spliced(schema: type[Config], path: Path, depth: int = 0) -> Sourced:
    sourced = read_yaml(path)
    if depth > _REFERENCES_DEEP_MAX:
        raise ConfigError(f"{path}: references go round in a circle")
    if schema is RobotConfig and isinstance(sourced.data.get("model"), str) and not path.is_relative_to(ROOT):
        # A user's model lies beside the user's YAML; shipped ones stay relative, so that a saved run can move.
        sourced.data["model"] = str((path.parent / Path(sourced.data["model"]).expanduser()).resolve())
    _splice(schema, sourced, (), path.parent, depth)
    return sourced


def _splice(annotation: Any, sourced: Sourced, at: KeyPath, folder: Path, depth: int) -> None:  # noqa: ANN401 - any type form
    """Replace file names by the content of the files, wherever the schema has a `Reference`."""
    value = _value_at(sourced.data, at)
    if get_origin(annotation) is Annotated:
        inner, *metadata = get_args(annotation)
        reference = next((item for item in metadata if isinstance(item, Reference)), None)
        if reference is not None and isinstance(value, str):
            _graft(inner, reference.kind, value, sourced, at, folder, depth)
        else:
            _splice(inner, sourced, at, folder, depth)
    elif isinstance(annotation, type) and issubclass(annotation, Config) and isinstance(value, dict):
        for name, info in annotation.model_fields.items():
            if name in value:
                _splice(_full_annotation(info.annotation, info.metadata), sourced, (*at, name), folder, depth)
    elif get_origin(annotation) is dict and isinstance(value, dict):
        for key in value:
            _splice(get_args(annotation)[1], sourced, (*at, key), folder, depth)
    elif get_origin(annotation) in (Union, UnionType):
        for option in get_args(annotation):
            _splice(option, sourced, at, folder, depth)


def _graft(schema: type[Config], kind: str, name: str, sourced: Sourced, at: KeyPath, folder: Path, depth: int) -> None:
    where = f"{sourced.origin(at)}: {'.'.join(map(str, at))}"
    path = find(kind, name, relative_to=folder, where=where)
    sourced.graft(at, _read_spliced(schema, path, depth + 1))


def _full_annotation(annotation: Any, metadata: list[Any]) -> Any:  # noqa: ANN401 - any type form
    """Put back the metadata that pydantic strips from a field's annotation."""
    references = [item for item in metadata if isinstance(item, Reference)]
    return Annotated[annotation, references[0]] if references else annotation


def _value_at(data: Any, at: KeyPath) -> Any:  # noqa: ANN401 - YAML holds anything
    for key in at:
        data = data[key]
    return data


def _override(schema: type[Config], sourced: Sourced, text: str) -> None:
    path_text, equals, value_text = text.partition("=")
    keys: KeyPath = tuple(int(key) if key.isdecimal() and len(key) < 9 else key for key in path_text.strip().split("."))
    where = f"--set {text}"
    if not equals or not all(str(key) for key in keys):
        raise ConfigError(f"{where}: must have the form key.path=value")
    # Parsed as the value of a key, so that every YAML value can be given.
    value = parse_yaml(f"value: {value_text}", where).data["value"]
    parent = sourced.data
    for depth, key in enumerate(keys[:-1]):
        parent = _descend(parent, key, where, keys[: depth + 1])
    last = keys[-1]
    if isinstance(parent, dict):
        last = str(last)
    else:
        _descend(parent, last, where, keys)
    at = (*keys[:-1], last)
    sourced.graft(at, Sourced(value, {(): where}))
    _splice(schema, sourced, (), Path.cwd(), 0)


def _descend(parent: Any, key: str | int, where: str, at: KeyPath) -> Any:  # noqa: ANN401 - YAML holds anything
    shown = ".".join(map(str, at))
    if isinstance(parent, dict):
        if str(key) not in parent:
            raise ConfigError(f"{where}: no key {shown!r}; valid here: {', '.join(map(str, parent))}")
        return parent[str(key)]
    if isinstance(parent, list):
        if not (isinstance(key, int) and key < len(parent)):
            raise ConfigError(f"{where}: no entry {shown!r}; valid here: 0 to {len(parent) - 1}")
        return parent[key]
    raise ConfigError(f"{where}: {shown!r} is inside a single value")


def _one_line(schema: type[Config], sourced: Sourced, error: ValidationError) -> str:
    """Return the first problem as one line with its place, and how many more there are."""
    problems = error.errors(include_url=False, include_input=True)
    first = problems[0]
    location = _in_data(first["loc"], sourced.data)
    shown = ".".join(map(str, location))
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    return f"{sourced.origin(location)}: {shown + ': ' if shown else ''}{_explain(schema, location, first)}{more}"


def _in_data(location: tuple[str | int, ...], data: Any) -> KeyPath:  # noqa: ANN401 - YAML holds anything
    """Drop from pydantic's location what is not a key of the data (names of union members)."""
    path: list[str | int] = []
    for position, key in enumerate(location):
        if (isinstance(data, dict) and key in data) or (isinstance(data, list) and isinstance(key, int) and key < len(data)):
            data = data[key]
        elif position < len(location) - 1 or not isinstance(data, dict):
            continue
        path.append(key)
    return tuple(path)


def _explain(schema: type[Config], location: KeyPath, problem: ErrorDetails) -> str:
    if problem["type"] == "extra_forbidden":
        valid = _fields_at(schema, location[:-1])
        close = difflib.get_close_matches(str(location[-1]), valid, n=1)
        hint = f" (did you mean {close[0]!r}?)" if close else ""
        return f"unknown key{hint}; valid: {', '.join(valid)}"
    if problem["type"] == "missing":
        return "this key is required and missing"
    message = problem["msg"].removeprefix("Value error, ")
    return " ".join(message[:1].lower().__add__(message[1:]).split())


def _fields_at(annotation: Any, location: KeyPath) -> list[str]:  # noqa: ANN401 - any type form
    """Return the keys that the schema allows at a location; those of all members where it is a union."""
    if get_origin(annotation) is Annotated:
        return _fields_at(get_args(annotation)[0], location)
    if get_origin(annotation) in (Union, UnionType):
        names = [name for option in get_args(annotation) for name in _fields_at(option, location)]
        return list(dict.fromkeys(names))
    if isinstance(annotation, type) and issubclass(annotation, Config):
        if not location:
            return list(annotation.model_fields)
        info = annotation.model_fields.get(str(location[0]))
        return _fields_at(info.annotation, location[1:]) if info is not None else []
    if get_origin(annotation) in (dict, tuple) and location:
        arguments = get_args(annotation)
        return _fields_at(arguments[1] if get_origin(annotation) is dict else arguments[0], location[1:])
    return []
