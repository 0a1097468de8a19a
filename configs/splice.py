"""Splicing: replaces references to other files by the contents of the files."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args, get_origin

from sim2real.configs.errors import ConfigError
from sim2real.configs.library import ROOT, absolute, find, is_policy_path, is_shipped_model
from sim2real.configs.schema.algorithm import AlgorithmConfig
from sim2real.configs.schema.base import Config
from sim2real.configs.schema.module import is_module_path
from sim2real.configs.schema.robot import RobotConfig
from sim2real.configs.schema.scenario import ScenarioConfig
from sim2real.configs.schema.task import TaskConfig
from sim2real.configs.schema_fields import full_annotation, is_config, is_union, reference_of
from sim2real.configs.yaml_source import KeyPath, Sourced, read_yaml

_REFERENCES_DEEP_MAX = 8  # scenario -> task -> robot -> motor is 3; more is a cycle


def read_spliced(schema: type[Config], path: Path, depth: int = 0) -> Sourced:
    """Read a file and all files it refers to. Raises ConfigError."""
    sourced = read_yaml(path)
    if depth > _REFERENCES_DEEP_MAX:
        raise ConfigError(f"{sourced.origin(())}: references form a cycle")
    splice(schema, sourced, path.parent, depth=depth)
    return sourced


def splice(schema: type[Config], sourced: Sourced, folder: Path, within: KeyPath = (), depth: int = 0) -> None:
    """Splice data in place.

    Args:
        schema: Schema of the data.
        sourced: The data; changed.
        folder: Base folder of relative paths in the data.
        within: Splice only at or below this path; the rest was spliced before, from other folders.
        depth: Number of references followed so far.

    Raises:
        ConfigError: A file is missing, is not valid YAML, or refers to itself.
    """
    _Splicer(sourced, folder, within, depth).visit(schema, ())


class _Splicer:
    """Walks schema and data in parallel."""

    def __init__(self, sourced: Sourced, folder: Path, within: KeyPath, depth: int) -> None:
        self._sourced = sourced
        self._folder = folder
        self._within = within
        self._depth = depth

    def visit(self, annotation: Any, at: KeyPath) -> None:  # noqa: ANN401 - any type form
        if not self._overlaps(at):
            return
        inner, reference = reference_of(annotation)
        value = self._sourced.at(at)
        if reference is not None and isinstance(value, str) and self._is_new(at):
            self._graft(inner, reference.kind, value, at)
        elif is_union(inner):
            for option in get_args(inner):
                self.visit(option, at)
        else:
            if inner is RobotConfig and isinstance(value, dict):
                self._resolve_model((*at, "model"), value.get("model"))
            if inner is TaskConfig and isinstance(value, dict):
                self._resolve_modules((*at, "modules"), value.get("modules"))
            if inner is AlgorithmConfig and isinstance(value, dict):
                self._resolve_demonstrations((*at, "demonstrations"), value.get("demonstrations"))
                self._resolve_policy((*at, "teacher"), value.get("teacher"))
            if inner is ScenarioConfig and isinstance(value, dict):
                self._resolve_policy((*at, "policy"), value.get("policy"))
            for below, key in _children(inner, value):
                self.visit(below, (*at, key))

    def _graft(self, schema: type[Config], kind: str, name: str, at: KeyPath) -> None:
        where = f"{self._sourced.origin(at)}: {'.'.join(map(str, at))}"
        path = find(kind, name, relative_to=self._folder, where=where)
        self._sourced.graft(at, read_spliced(schema, path, self._depth + 1))

    def _resolve_model(self, at: KeyPath, model: object) -> None:
        """Make a user's model path absolute; shipped models stay relative, so that a saved run can be moved.

        A user's path is relative to the YAML. If no such file exists but a shipped model has the name, the path stays
        relative, so that `dump` of a shipped robot loads from any folder.
        """
        if not isinstance(model, str) or not self._is_new(at) or self._folder.is_relative_to(ROOT):
            return
        where = f"{self._sourced.origin(at)}: {'.'.join(map(str, at))}"
        path = absolute(model, relative_to=self._folder, where=where)
        if not is_shipped_model(model) or path.exists():
            self._sourced.at(at[:-1])["model"] = str(path)

    def _resolve_policy(self, at: KeyPath, policy: object) -> None:
        """Make the path of a policy absolute; the name of a shipped policy or of a run stays."""
        if isinstance(policy, str) and is_policy_path(policy):
            self._make_absolute(at, policy)

    def _resolve_demonstrations(self, at: KeyPath, paths: object) -> None:
        """Make the paths of demonstrations absolute: they are relative to the file that names them."""
        for index, path in enumerate(paths if isinstance(paths, list) else ()):
            if isinstance(path, str):
                self._make_absolute((*at, index), path)

    def _make_absolute(self, at: KeyPath, path: str) -> None:
        if self._is_new(at):
            where = f"{self._sourced.origin(at)}: {'.'.join(map(str, at))}"
            self._sourced.at(at[:-1])[at[-1]] = str(absolute(path, relative_to=self._folder, where=where))

    def _resolve_modules(self, at: KeyPath, modules: object) -> None:
        """Make the paths of a task's modules absolute: they lie beside the file that names them."""
        for index, entry in enumerate(modules if isinstance(modules, list) else ()):
            place: KeyPath = (*at, index, "module") if isinstance(entry, dict) else (*at, index)
            module = entry.get("module") if isinstance(entry, dict) else entry
            if isinstance(module, str) and is_module_path(module):
                self._make_absolute(place, module)

    def _is_new(self, at: KeyPath) -> bool:
        return at[: len(self._within)] == self._within

    def _overlaps(self, at: KeyPath) -> bool:
        """Return whether a path is above, at or below `within`."""
        return at[: len(self._within)] == self._within[: len(at)]


def _children(annotation: Any, value: Any) -> Iterator[tuple[Any, str | int]]:  # noqa: ANN401 - any type form, any YAML
    """Yield type and key of every member of a value that is in the schema."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if is_config(annotation) and isinstance(value, dict):
        yield from ((full_annotation(annotation, name), name) for name in annotation.model_fields if name in value)
    elif origin is dict and isinstance(value, dict):
        yield from ((arguments[1], key) for key in value)
    elif origin is tuple and isinstance(value, list):
        yield from ((arguments[0], index) for index in range(len(value)))
