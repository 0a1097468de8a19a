"""Keys that the schema allows at a path, and inspection of its type annotations."""

from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from sim2real.configs.schema.base import Config, OpenUnion, Reference
from sim2real.configs.schema.part import PartBlock
from sim2real.configs.yaml_source import KeyPath


def fields_at(annotation: Any, path: KeyPath, data: Any) -> list[str]:  # noqa: ANN401 - any type form, any YAML
    """Return the keys that the schema allows in the mapping at a path; for a union, those of all members.

    Args:
        annotation: The schema.
        path: Path of the mapping.
        data: The YAML data: a block of an installed part has the keys of the part that it names.
    """
    if get_origin(annotation) is Annotated:
        inner, *metadata = get_args(annotation)
        block = next((item for item in metadata if isinstance(item, PartBlock)), None)
        return fields_at((block.schema_of(data) if block is not None else None) or inner, path, data)
    if is_union(annotation):
        names = [name for option in get_args(annotation) for name in fields_at(option, path, data)]
        return list(dict.fromkeys(names))
    if is_config(annotation):
        if not path:
            return list(annotation.model_fields)
        return _fields_below(annotation, str(path[0]), path[1:], _below(data, path[0]))
    if get_origin(annotation) in (dict, tuple) and path:
        arguments = get_args(annotation)
        inner = arguments[1] if get_origin(annotation) is dict else arguments[0]
        return fields_at(inner, path[1:], _below(data, path[0]))
    return []


def _below(data: Any, key: str | int) -> Any:  # noqa: ANN401 - any YAML
    """Return the data under a key, None if there is none."""
    if isinstance(data, dict):
        return data.get(key)
    return data[key] if isinstance(data, list) and isinstance(key, int) and key < len(data) else None


def _fields_below(config: type[Config], name: str, path: KeyPath, data: Any) -> list[str]:  # noqa: ANN401 - any YAML
    info = config.model_fields.get(name)
    if info is None:
        return []
    unions = [item for item in info.metadata if isinstance(item, OpenUnion)]
    members: list[Any] = [member for union in unions for member in union.members()] or [full_annotation(config, name)]
    return list(dict.fromkeys(key for member in members for key in fields_at(member, path, data)))


def is_union(annotation: Any) -> bool:  # noqa: ANN401 - any type form
    """Return whether a type is `A | B`."""
    return get_origin(annotation) in (Union, UnionType)


def is_config(annotation: Any) -> bool:  # noqa: ANN401 - any type form
    """Return whether a type is a schema class."""
    return isinstance(annotation, type) and issubclass(annotation, Config)


def reference_of(annotation: Any) -> tuple[Any, Reference | None]:  # noqa: ANN401 - any type form
    """Split `Annotated[T, …, Reference(kind), …]` into T and the reference, or None."""
    if get_origin(annotation) is not Annotated:
        return annotation, None
    inner, *metadata = get_args(annotation)
    return inner, next((item for item in metadata if isinstance(item, Reference)), None)


def full_annotation(config: type[Config], name: str) -> Any:  # noqa: ANN401 - any type form
    """Return the type of a field together with its reference or part block, which pydantic stores separately."""
    info = config.model_fields[name]
    kept = next((item for item in info.metadata if isinstance(item, Reference | PartBlock)), None)
    return info.annotation if kept is None else Annotated[info.annotation, kept]
