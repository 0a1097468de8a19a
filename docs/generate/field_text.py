"""What a field of the schema takes, as text: its type, unit, choices and limits."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import annotated_types
from pydantic.fields import FieldInfo

from generate.text import one_line
from generate.units import quantity_name
from sim2real.configs.schema.base import Config, Name, Reference
from sim2real.configs.schema.quantity import Quantity
from sim2real.configs.units import valid_units

_BOUNDS = {
    annotated_types.Ge: ("≥", "ge"),
    annotated_types.Gt: (">", "gt"),
    annotated_types.Le: ("≤", "le"),
    annotated_types.Lt: ("<", "lt"),
}
_SCALARS = {str: "text", int: "integer", float: "number", bool: "`true` or `false`", NoneType: "none", Any: "anything"}


@dataclass(frozen=True)
class Taken:
    """What a key takes."""

    kind: str
    """Markdown: `number with a unit of torque`, a link to a class, a list of choices."""
    limits: tuple[str, ...] = ()
    unit: str = ""
    """SI unit of a quantity; the limits and the default are in it."""


def taken(annotation: Any, metadata: tuple[Any, ...], link: dict[type[Config], str]) -> Taken:  # noqa: ANN401 - any type form
    """Describe a type.

    Args:
        annotation: The type.
        metadata: What stands beside it in `Annotated`, as pydantic keeps it on a field.
        link: Where each class of the schema is described.
    """
    if get_origin(annotation) is Annotated:
        inner, *beside = get_args(annotation)
        return taken(inner, (*beside, *metadata), link)
    flat = tuple(_flat(metadata))
    found = _of_type(annotation, flat, link)
    for item in flat:
        if isinstance(item, Quantity):
            units = ", ".join(f"`{unit}`" for unit in valid_units(item.dimension))
            found = Taken(f"{quantity_name(item.dimension)} ({units})", (), item.dimension)
        if isinstance(item, Reference):
            found = replace(found, kind=f"name of one of `{item.kind}`, a path, or {found.kind} in place")
    return replace(found, limits=(*found.limits, *_limits(flat, found.unit)))


def default_text(info: FieldInfo, unit: str) -> str:
    """Return the default of a field as it would stand in YAML; `required` when there is none."""
    if info.is_required():
        return "**required**"
    value = info.get_default(call_default_factory=True)
    if isinstance(value, Config):
        said = value.model_dump(mode="json", exclude_unset=True)
        return f"`{one_line(_yaml(said))}`" if said else "its defaults"
    return f"`{one_line(_yaml(value, unit))}`"


def _of_type(annotation: Any, metadata: tuple[Any, ...], link: dict[type[Config], str]) -> Taken:  # noqa: ANN401 - any type form
    if isinstance(annotation, type) and issubclass(annotation, Config):
        return Taken(f"[{annotation.__name__}]({link[annotation]})" if annotation in link else annotation.__name__)
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin in (Union, UnionType):
        return _of_union(arguments, link)
    if origin is Literal:
        return Taken(" · ".join(f"`{_yaml(choice)}`" for choice in arguments))
    if origin is dict:
        key, value = (taken(argument, (), link) for argument in arguments)
        return Taken(f"mapping of {key.kind} to {value.kind}", value.limits, value.unit)
    if origin is tuple:
        return _of_tuple(arguments, link)
    if annotation is str and _is_name(metadata):
        return Taken("name")
    return Taken(_SCALARS.get(annotation, f"`{getattr(annotation, '__name__', annotation)}`"))


def _of_union(arguments: tuple[Any, ...], link: dict[type[Config], str]) -> Taken:
    options = [taken(argument, (), link) for argument in arguments if argument is not NoneType]
    if len(options) == 1:
        return options[0]
    kinds = list(dict.fromkeys(option.kind for option in options))
    return Taken(" or ".join(kinds), tuple(limit for option in options for limit in option.limits))


def _of_tuple(arguments: tuple[Any, ...], link: dict[type[Config], str]) -> Taken:
    items = [taken(argument, (), link) for argument in arguments if argument is not Ellipsis]
    first = items[0]
    if Ellipsis in arguments:
        return Taken(f"list of {first.kind}", first.limits, first.unit)
    count = {2: "pair", 3: "three", 4: "four"}.get(len(items), f"{len(items)}")
    return Taken(f"{count} of {first.kind}", first.limits, first.unit)


def _flat(metadata: tuple[Any, ...]) -> Iterator[Any]:
    for item in metadata:
        if isinstance(item, FieldInfo):
            yield from item.metadata
        elif isinstance(item, annotated_types.GroupedMetadata):
            yield from item
        else:
            yield item


def _is_name(metadata: tuple[Any, ...]) -> bool:
    """Tell whether text is an identifier; the schema has one pattern for them."""
    own = {pattern for item in get_args(Name)[1].metadata if (pattern := getattr(item, "pattern", None))}
    return any(getattr(item, "pattern", None) in own for item in metadata)


def _limits(metadata: tuple[Any, ...], unit: str) -> Iterator[str]:
    named = _is_name(metadata)  # a name says of itself how long it may be
    for item in metadata:
        for kind, (sign, attribute) in _BOUNDS.items():
            if isinstance(item, kind):
                yield f"{sign} {_yaml(getattr(item, attribute))}" + (f" `{unit}`" if unit else "")
        if isinstance(item, annotated_types.MinLen) and item.min_length:
            yield f"at least {item.min_length}"
        if isinstance(item, annotated_types.MaxLen) and not named:
            yield f"at most {item.max_length} long"


def _yaml(value: Any, unit: str = "") -> str:  # noqa: ANN401 - any plain value
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and unit:
        return f"{value:g} {unit}"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_yaml(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_yaml(item, unit) for item in value) + "]"
    return f"{value:g}" if isinstance(value, float) else str(value) if value != "" else '""'
