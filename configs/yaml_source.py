"""YAML text to plain data, with the file and line of every value."""

import errno
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from sim2real.configs.errors import ConfigError
from sim2real.configs.regular_file import read_regular
from sim2real.configs.yaml_scalars import CoreLoader, construct_scalar

KeyPath = tuple[str | int, ...]

# A hand-written configuration has a few hundred nodes and a few thousand bytes. The bounds stop alias bombs, and large
# files of other kinds, on which PyYAML would spend a minute.
_NODES_MAX = 20_000
_DEPTH_MAX = 64
_FILE_BYTES_MAX = 500_000

Place = Callable[[int], str]
"""Function from a line number, counted from 1, to the text of the location."""


@dataclass
class Sourced:
    """Plain data (dict, list, scalars) and the location of each key path."""

    data: Any
    origins: dict[KeyPath, str] = field(default_factory=dict)

    def origin(self, path: KeyPath) -> str:
        """Return `file:line` of the value at a path, or of the nearest enclosing value with a location."""
        for length in range(len(path), -1, -1):
            found = self.origins.get(path[:length])
            if found is not None:
                return found
        return "configuration"

    def at(self, path: KeyPath) -> Any:  # noqa: ANN401 - YAML holds anything
        """Return the value at an existing path."""
        value = self.data
        for key in path:
            value = value[key]
        return value

    def graft(self, path: KeyPath, other: "Sourced") -> None:
        """Replace the value at a path by other data, with their origins."""
        for old in [known for known in self.origins if known[: len(path)] == path and len(known) > len(path)]:
            del self.origins[old]
        self.origins.update({path + below: origin for below, origin in other.origins.items()})
        if path:
            self.at(path[:-1])[path[-1]] = other.data
        else:
            self.data = other.data


def read_yaml(path: Path) -> Sourced:
    """Read one YAML file.

    Raises:
        ConfigError: The file cannot be read, is not YAML, repeats a key, or is not a mapping.
    """
    try:
        text = read_regular(path, _FILE_BYTES_MAX).decode("utf-8-sig")
    except OSError as error:
        if error.errno == errno.EFBIG:
            raise ConfigError(f"{path}: larger than {_FILE_BYTES_MAX} bytes: not a configuration file") from error
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{path}:{line}: is not UTF-8 text") from error
    return parse_yaml(text, str(path))


def parse_yaml(text: str, name: str) -> Sourced:
    """Parse the text of one YAML document whose top level is a mapping; errors are `ConfigError` at name:line."""
    sourced = _parse(text, lambda line: f"{name}:{line}")
    if not isinstance(sourced.data, dict):
        raise ConfigError(f"{name}:1: must be a mapping of keys to values")
    return sourced


def parse_value(text: str, place: str) -> Sourced:
    """Parse the YAML text of one value; `place` is the location of all of it. Raises ConfigError."""
    return _parse(text, lambda _: place)


def _parse(text: str, place: Place) -> Sourced:
    try:
        node = _composed(text)
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise ConfigError(f"{place(line)}: not valid YAML: a control character in the text") from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark is not None else 1
        raise ConfigError(f"{place(line)}: not valid YAML: {error.problem or error.context}") from error
    except (ValueError, OverflowError) as error:  # PyYAML raises these for malformed escapes and directives
        raise ConfigError(f"{place(1)}: not valid YAML: {error}") from error
    except RecursionError as error:
        raise ConfigError(f"{place(1)}: too deeply nested for a configuration") from error
    if node is None:
        return Sourced(None, {(): place(1)})
    builder = _Builder(place)
    return Sourced(builder.build(node, (), 0), builder.origins)


@lru_cache(maxsize=64)  # as many files as the library has: a robot names its motor's file once for each joint
def _composed(text: str) -> yaml.Node | None:
    """Return the nodes of a document, shared and read-only; None if it is empty. Raises PyYAML's errors."""
    loader = CoreLoader(text)
    try:
        node: yaml.Node | None = loader.get_single_node()
    finally:
        loader.dispose()
    return node


class _Builder:
    """Converts YAML nodes to plain data; records the location of each."""

    def __init__(self, place: Place) -> None:
        self.origins: dict[KeyPath, str] = {}
        self._place = place
        self._nodes = 0

    def build(self, node: yaml.Node, path: KeyPath, depth: int) -> Any:  # noqa: ANN401 - YAML holds anything
        origin = self._origin(node)
        self._nodes += 1
        if self._nodes > _NODES_MAX or depth > _DEPTH_MAX:
            raise ConfigError(f"{origin}: too large or too deeply nested for a configuration")
        self.origins[path] = origin
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path, depth)
        if isinstance(node, yaml.SequenceNode):
            return [self.build(item, (*path, index), depth + 1) for index, item in enumerate(node.value)]
        try:
            return construct_scalar(node.tag, _encodable(node.value))
        except ValueError as error:
            raise ConfigError(f"{origin}: {error}") from error

    def _mapping(self, node: yaml.MappingNode, path: KeyPath, depth: int) -> dict[str, Any]:
        built: dict[str, Any] = {}
        for key_node, value_node in node.value:
            origin = self._origin(key_node)
            if not isinstance(key_node, yaml.ScalarNode):
                raise ConfigError(f"{origin}: keys must be text")
            try:
                key = _encodable(key_node.value)
            except ValueError as error:
                raise ConfigError(f"{origin}: {error}") from error
            if key in built:
                raise ConfigError(f"{origin}: key {key!r} is given twice")
            built[key] = self.build(value_node, (*path, key), depth + 1)
            self.origins[(*path, key)] = origin
        return built

    def _origin(self, node: yaml.Node) -> str:
        return self._place(node.start_mark.line + 1)


def _encodable(text: str) -> str:
    """Return the text; raises ValueError for half a surrogate pair from an escape, which cannot be encoded."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("holds half of a surrogate pair, which is not a character") from None
    return text
