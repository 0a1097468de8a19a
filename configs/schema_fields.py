"""Keys that the schema allows at a path, and inspection of its type annotations."""

from collections.abc import Iterable
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import Discriminator, Tag

from sim2real.configs.schema.base import Config, OpenUnion, Reference
from sim2real.configs.schema.part import PartBlock
from sim2real.configs.yaml_source import KeyPath


def fields_at(annotation: Any, path: KeyPath, data: Any) -> list[str]:  # noqa: ANN401 - any type form, any YAML
    """Return the keys that the schema allows in the mapping at a path; of a union, those of the members it may be.

    Args:
        annotation: The schema.
        path: Path of the mapping.
        data: The YAML data: a block of an installed part has the keys of the part that it names.
    """
    if get_origin(annotation) is Annotated:
        inner, *metadata = get_args(annotation)
        block = next((item for item in metadata if isinstance(item, PartBlock)), None)
        chosen = block.schema_of(data) if block is not None else _tagged(inner, metadata, data)
        return fields_at(chosen or inner, path, data)
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


def _tagged(union: Any, metadata: Iterable[Any], data: Any) -> Any:  # noqa: ANN401 - any type form, any YAML
    """Return the member of a union that its discriminator chooses for the data; None if there is none."""
    chooser = next((found for item in metadata if (found := getattr(item, "discriminator", None))), None)
    if callable(chooser):
        tag = Tag(str(chooser(data)))
        return next((option for option in get_args(union) if tag in get_args(option)[1:]), None)
    if chooser is None or not isinstance(data, dict):
        return None
    names = ((option, get_args(option.model_fields[chooser].annotation)) for option in get_args(union))
    return next((option for option, valid in names if data.get(chooser) in valid), None)


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
    """Return the type of a field together with what says more of it, which pydantic stores separately."""
    info = config.model_fields[name]
    kept: Any = next((item for item in info.metadata if isinstance(item, Reference | PartBlock | Discriminator)), None)
    if isinstance(info.discriminator, str):
        kept = Discriminator(info.discriminator)
    return info.annotation if kept is None else Annotated[info.annotation, kept]
