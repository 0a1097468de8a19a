"""Converts pydantic's list of problems to one line: `file:line: key.path: problem; valid: …`."""

import re
from typing import Any, cast, get_args, get_origin

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from sim2real.configs.choice import hint, not_a_choice, shown
from sim2real.configs.schema.base import Config, MisplacedError
from sim2real.configs.schema_fields import fields_at
from sim2real.configs.yaml_source import KeyPath, Sourced

_NOT_A_MAPPING = ("model_type", "model_attributes_type", "dict_type")
_BOUNDS = ("greater_than", "greater_than_equal", "less_than", "less_than_equal")


def one_line(schema: type[Config], sourced: Sourced, error: ValidationError) -> str:
    """Return the most important problem with its location, and the number of further ones."""
    problems = error.errors(include_url=False)
    # A misspelt required key gives two problems, unknown and missing; the line to fix is that of the unknown key.
    first = next((problem for problem in problems if problem["type"] == "extra_forbidden"), problems[0])
    path = _path(first, sourced.data)
    place = ".".join(map(str, path))
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    return f"{sourced.origin(path)}: {place + ': ' if place else ''}{_explain(schema, path, first)}{more}"


def _path(problem: ErrorDetails, data: Any) -> KeyPath:  # noqa: ANN401 - YAML holds anything
    """Return the key path of a problem, without pydantic's names of union members, and with a missing discriminator."""
    location = list(problem["loc"])
    path: list[str | int] = []
    for position, key in enumerate(location):
        if (isinstance(data, dict) and key in data) or (isinstance(data, list) and key in range(len(data))):
            data = cast("Any", data)[key]
            path.append(key)
        elif position == len(location) - 1 and problem["type"] == "missing":
            path.append(key)
    context = problem.get("ctx", {})
    if problem["type"].startswith("union_tag"):
        path.append(str(context["discriminator"]).strip("'"))
    if isinstance(context.get("error"), MisplacedError):
        path += context["error"].at
    return tuple(path)


def _explain(schema: type[Config], path: KeyPath, problem: ErrorDetails) -> str:
    kind, context, given = problem["type"], problem.get("ctx", {}), problem["input"]
    if kind == "extra_forbidden":
        valid = fields_at(schema, path[:-1])
        return f"unknown key{hint(path[-1], valid)}; valid: {', '.join(valid)}"
    if kind == "missing":
        return "this key is required and missing"
    if kind == "union_tag_not_found":
        return f"this key is required and missing; valid: {', '.join(_tags(schema, path))}"
    if kind == "union_tag_invalid":
        valid = re.findall(r"'([^']*)'", str(context["expected_tags"]))
        return not_a_choice(context["tag"], valid)
    if kind == "literal_error":
        valid = re.findall(r"'([^']*)'", str(context["expected"])) or str(context["expected"]).split(" or ")
        return not_a_choice(given, valid)
    if kind == "string_pattern_mismatch":
        return f"{shown(given)} is not a name; valid: letters, digits and underscores, beginning with a letter"
    return str(context["error"]) if kind == "value_error" else _constraint(problem)


def _constraint(problem: ErrorDetails) -> str:
    """Return what a value must be, from pydantic's messages such as `Input should be a valid integer`."""
    must = re.sub(r"^(Input|String|Dictionary|List|Tuple) should (\w+)", r"must \2", problem["msg"], count=1)
    if problem["type"] in ("too_short", "too_long"):
        return must.replace(" after validation", "")
    if problem["type"] in _NOT_A_MAPPING:
        must = "must be a mapping of keys to values"
    elif problem["type"] in _BOUNDS and isinstance(problem["input"], str):
        must += " in SI units"
    return f"{must}, not {shown(problem['input'])}"


def _tags(annotation: Any, path: KeyPath) -> list[str]:  # noqa: ANN401 - any type form
    """Return the choices of a discriminator, from the literals of the union's members."""
    inner = get_args(annotation)[0] if hasattr(annotation, "__metadata__") else annotation
    if isinstance(inner, type) and issubclass(inner, Config):
        info = inner.model_fields.get(str(path[0])) if path else None
        if info is None:
            return []
        return [str(tag) for tag in get_args(info.annotation)] if len(path) == 1 else _tags(info.annotation, path[1:])
    options = get_args(inner)
    if get_origin(inner) in (dict, tuple):
        return _tags(options[-1] if get_origin(inner) is dict else options[0], path[1:])
    return [tag for option in options for tag in _tags(option, path)]
