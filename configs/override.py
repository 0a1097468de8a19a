"""Overrides: `--set key.path=value` on top of the files."""

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sim2real.configs.errors import ConfigError
from sim2real.configs.schema.base import Config
from sim2real.configs.schema_fields import fields_at
from sim2real.configs.splice import splice
from sim2real.configs.yaml_source import KeyPath, Sourced, parse_value


def as_overrides(overrides: Sequence[str]) -> tuple[str, ...]:
    """Return overrides as they were given. Raises TypeError for one text, which is a sequence of letters."""
    if isinstance(overrides, str):
        raise TypeError(f"overrides: {overrides!r} is one text; valid: a sequence of texts, ({overrides!r},)")
    return tuple(overrides)


def apply_override(schema: type[Config], sourced: Sourced, text: str) -> None:
    """Apply one override to spliced data, in place.

    Args:
        schema: Schema of the data; also allows keys that the files leave out.
        sourced: The data; changed.
        text: `key.path=value`. The value is YAML; references in it are relative to the working directory.

    Raises:
        ConfigError: The text has another form, the value is not YAML, or the path does not exist.
    """
    where = f"--set {shlex.quote(text)}"
    path_text, equals, value_text = text.partition("=")
    keys = path_text.strip().split(".")
    if not equals or not all(keys):
        raise ConfigError(f"{where}: must have the form key.path=value")
    value = parse_value(value_text, where)
    at: KeyPath = ()
    for key in keys[:-1]:
        at = _step(schema, sourced, at, key, where)
    parent = sourced.at(at)
    at = (*at, keys[-1]) if isinstance(parent, dict) else _step(schema, sourced, at, keys[-1], where)
    sourced.graft(at, value)
    splice(schema, sourced, Path(), within=at)


def _step(schema: type[Config], sourced: Sourced, at: KeyPath, key: str, where: str) -> KeyPath:
    """Return the path extended by one key; create a mapping that the files leave out."""
    parent: Any = sourced.at(at)
    shown = ".".join(map(str, (*at, key)))
    if isinstance(parent, list):
        if not (key.isdecimal() and len(key) < 9 and int(key) < len(parent)):
            valid = f"0 to {len(parent) - 1}" if parent else "none, the list is empty"
            raise ConfigError(f"{where}: no entry {shown!r}; valid: {valid}")
        return (*at, int(key))
    if not isinstance(parent, dict):
        raise ConfigError(f"{where}: {shown!r} is inside a single value")
    if parent.get(key) is None:
        known = fields_at(schema, at, sourced.data)
        if key not in known:
            raise ConfigError(f"{where}: no key {shown!r}; valid: {', '.join(known or map(str, parent))}")
        if not fields_at(schema, (*at, key), sourced.data):
            raise ConfigError(f"{where}: {shown!r} is not written in the file; set all of it")
        parent[key] = {}
    return (*at, key)
