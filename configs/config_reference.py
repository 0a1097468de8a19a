"""Finds a configuration by what a person may call it on the command line: a name, a folder, or a file."""

from pathlib import Path
from typing import Any, Final

from sim2real.configs.choice import hint
from sim2real.configs.errors import ConfigError
from sim2real.configs.library import ROOT, find, is_path, shipped
from sim2real.configs.other_kind import refuse_other_file, required_keys
from sim2real.configs.schema.base import Config
from sim2real.configs.yaml_source import read_yaml

_SUFFIXES: Final = (".yaml", ".yml")
_FILES_MAX: Final = 200  # of one folder; more is no folder of a robot or a task


def find_given(kind: str, reference: str, *schemas: type[Config]) -> Path:
    """Return the file of a configuration that a person named.

    A reference that ends in `.yaml` or has a slash is a path; that of a folder is its one file of the kind. A word is a
    shipped name, or `WORD.yaml` or the folder `WORD` in the working directory.

    Args:
        kind: One of `sim2real.configs.library.KINDS`.
        reference: What was typed.
        schemas: What a file of the kind in a folder may be.

    Raises:
        ConfigError: Nothing is there, or several.
    """
    path = Path(reference)
    try:
        refuse_other_file(kind, path)
        if is_path(reference):
            return _only(path, kind, schemas) if path.is_dir() else find(kind, reference, relative_to=Path())
        here = [place for suffix in _SUFFIXES if (place := Path(f"{reference}{suffix}")).is_file()] if reference else []
        if reference and path.is_dir() and _configs_in(path, schemas):
            here.append(_only(path, kind, schemas))
    except (OSError, ValueError) as error:  # for example a name too long for the file system, or a NUL byte in it
        raise ConfigError(f"{path}: {getattr(error, 'strerror', None) or error}") from error
    own = [place for place in here if _is_one_of(place, schemas)]
    if reference in shipped(kind):
        own.append(ROOT / kind / f"{reference}.yaml")
    if len({place.resolve() for place in own}) > 1:
        shown = [f"./{place}" if not place.is_absolute() else str(place) for place in own]
        raise ConfigError(f"{reference!r} names {len(own)} {kind}; give the path of one: {', '.join(shown)}")
    own = own or here[:1]  # what is wrong in it is said with its line
    return own[0].absolute() if own else find(kind, reference, relative_to=Path())


def _only(folder: Path, kind: str, schemas: tuple[type[Config], ...]) -> Path:
    """Return the one configuration of a kind in a folder. Raises ConfigError."""
    found = _configs_in(folder, schemas)
    if len(found) == 1:
        return found[0].absolute()
    if not found:
        raise ConfigError(f"{folder}: no YAML file of {kind} in this folder{hint(folder.name, shipped(kind))}")
    names = ", ".join(str(path) for path in found)
    raise ConfigError(f"{folder}: {len(found)} files of {kind} in this folder; give one: {names}")


def _configs_in(folder: Path, schemas: tuple[type[Config], ...]) -> list[Path]:
    files = sorted(path for path in folder.iterdir() if path.suffix in _SUFFIXES and path.is_file())
    return [path for path in files[:_FILES_MAX] if _is_one_of(path, schemas)]


def _is_one_of(path: Path, schemas: tuple[type[Config], ...]) -> bool:
    """Return whether a file has every key that a schema asks for; one that cannot be read has none."""
    try:
        data: Any = read_yaml(path).data
    except ConfigError:
        return False
    return isinstance(data, dict) and any(_fits(set(data), schema) for schema in schemas)


def _fits(keys: set[str], schema: type[Config]) -> bool:
    required = required_keys(schema)
    return required <= keys and (len(required) > 1 or keys <= set(schema.model_fields))
