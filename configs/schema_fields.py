"""Keys that the schema allows at a path, and inspection of its type annotations."""

from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from sim2real.configs.schema.base import Config, OpenUnion, Reference
from sim2real.configs.yaml_source import KeyPath


def fields_at(annotation: Any, path: KeyPath) -> list[str]:  # noqa: ANN401 - any type form
    """Return the keys that the schema allows in the mapping at a path; for a union, those of all members."""
    if get_origin(annotation) is Annotated:
        return fields_at(get_args(annotation)[0], path)
    if is_union(annotation):
        names = [name for option in get_args(annotation) for name in fields_at(option, path)]
        return list(dict.fromkeys(names))
    if is_config(annotation):
        if not path:
            return list(annotation.model_fields)
        return _fields_below(annotation, str(path[0]), path[1:])
    if get_origin(annotation) in (dict, tuple) and path:
        arguments = get_args(annotation)
        return fields_at(arguments[1] if get_origin(annotation) is dict else arguments[0], path[1:])
    return []


def _fields_below(config: type[Config], name: str, path: KeyPath) -> list[str]:
    info = config.model_fields.get(name)
    if info is None:
        return []
    unions = [item for item in info.metadata if isinstance(item, OpenUnion)]
    members: list[Any] = [member for union in unions for member in union.members()] or [info.annotation]
    return list(dict.fromkeys(key for member in members for key in fields_at(member, path)))


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
    """Return the type of a field together with its reference, which pydantic stores separately."""
    info = config.model_fields[name]
    reference = next((item for item in info.metadata if isinstance(item, Reference)), None)
    return info.annotation if reference is None else Annotated[info.annotation, reference]
