"""YAML text to plain data that remembers, for every value, the file and line it came from."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from configs.errors import ConfigError

KeyPath = tuple[str | int, ...]

# A hand-written configuration has some hundred nodes. The bounds stop alias bombs and files that are not configurations.
_NODES_MAX = 100_000
_DEPTH_MAX = 64
_FILE_BYTES_MAX = 4_000_000


@dataclass
class Sourced:
    """Plain data (dict, list, scalars) and the place in which each key path was written."""

    data: Any
    origins: dict[KeyPath, str] = field(default_factory=dict)

    def origin(self, path: KeyPath) -> str:
        """Return `file:line` of the value at the path, or of the nearest enclosing value that has one."""
        for length in range(len(path), -1, -1):
            found = self.origins.get(path[:length])
            if found is not None:
                return found
        return "configuration"

    def graft(self, path: KeyPath, other: "Sourced") -> None:
        """Replace the value at the path by other's data, origins included."""
        for old in [known for known in self.origins if known[: len(path)] == path and len(known) > len(path)]:
            del self.origins[old]
        self.origins.update({path + below: origin for below, origin in other.origins.items()})
        if not path:
            self.data = other.data
            return
        parent = self.data
        for key in path[:-1]:
            parent = parent[key]
        parent[path[-1]] = other.data


def read_yaml(path: Path) -> Sourced:
    """Read one YAML file.

    Raises:
        ConfigError: The file cannot be read, is not YAML, repeats a key, or is not a mapping.
    """
    try:
        if path.stat().st_size > _FILE_BYTES_MAX:
            raise ConfigError(f"{path}: larger than {_FILE_BYTES_MAX} bytes: not a configuration file")
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: is not UTF-8 text") from error
    return parse_yaml(text, str(path))


def parse_yaml(text: str, name: str) -> Sourced:
    """Parse the text of one YAML document whose top level is a mapping; errors are `ConfigError` at name:line."""
    loader: yaml.SafeLoader | None = None
    try:
        loader = yaml.SafeLoader(text)
        node = loader.get_single_node()
        builder = _Builder(loader, name)
        sourced = Sourced(builder.build(node, (), 0) if node is not None else None, builder.origins)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark is not None else 1
        raise ConfigError(f"{name}:{line}: not valid YAML: {error.problem or error.context}") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        detail = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ConfigError(f"{name}:1: not valid YAML: {detail}") from error
    finally:
        if loader is not None:
            loader.dispose()
    if not isinstance(sourced.data, dict):
        raise ConfigError(f"{name}:1: must be a mapping of keys to values")
    return sourced


class _Builder:
    """Turns YAML nodes into plain data, noting the line of each."""

    def __init__(self, loader: yaml.SafeLoader, name: str) -> None:
        self.origins: dict[KeyPath, str] = {}
        self._loader = loader
        self._name = name
        self._nodes = 0

    def build(self, node: yaml.Node, path: KeyPath, depth: int) -> Any:  # noqa: ANN401 - YAML holds anything
        origin = f"{self._name}:{node.start_mark.line + 1}"
        self._nodes += 1
        if self._nodes > _NODES_MAX or depth > _DEPTH_MAX:
            raise ConfigError(f"{origin}: too large or too deeply nested for a configuration")
        self.origins[path] = origin
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path, depth)
        if isinstance(node, yaml.SequenceNode):
            return [self.build(item, (*path, index), depth + 1) for index, item in enumerate(node.value)]
        try:
            return self._loader.construct_object(node, deep=True)
        except ValueError as error:
            raise ConfigError(f"{origin}: {error}") from error

    def _mapping(self, node: yaml.MappingNode, path: KeyPath, depth: int) -> dict[str, Any]:
        built: dict[str, Any] = {}
        for key_node, value_node in node.value:
            origin = f"{self._name}:{key_node.start_mark.line + 1}"
            if not isinstance(key_node, yaml.ScalarNode):
                raise ConfigError(f"{origin}: keys must be text")
            key = key_node.value
            if key in built:
                raise ConfigError(f"{origin}: key {key!r} is given twice")
            built[key] = self.build(value_node, (*path, key), depth + 1)
            self.origins[(*path, key)] = origin
        return built
