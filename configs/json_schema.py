"""JSON Schema of the configurations, for completion and checks in editors."""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from sim2real.configs.schema.base import Config
from sim2real.configs.schema.quantity import UNIT_KEYWORD
from sim2real.configs.schema.term_name import TERM_KEYWORD
from sim2real.configs.units import format_quantity


def json_schema(config: type[Config], terms: Mapping[str, Sequence[str]] | None = None) -> dict[str, Any]:
    """Return the JSON Schema of a kind of configuration.

    Args:
        config: Its schema.
        terms: Names of terms that editors offer, by kind. Others are accepted: a module may declare them.
    """
    schema = config.model_json_schema(schema_generator=_EditorSchema)
    _offer(schema, terms or {})
    return schema


def _offer(schema: Any, terms: Mapping[str, Sequence[str]]) -> None:  # noqa: ANN401 - any JSON value
    """Offer the names of terms wherever one is named, in place."""
    for below in schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ():
        _offer(below, terms)
    if isinstance(schema, dict) and isinstance(kind := schema.pop(TERM_KEYWORD, None), str) and kind in terms:
        any_name = {key: schema.pop(key) for key in ("type", "pattern", "maxLength") if key in schema}
        schema["anyOf"] = [{"enum": sorted(terms[kind])}, any_name]


class _EditorSchema(GenerateJsonSchema):
    """JSON Schema that refuses unknown keys, like the loader, and writes defaults with units, for editors to insert."""

    def dict_schema(self, schema: core_schema.DictSchema) -> JsonSchemaValue:
        found = super().dict_schema(schema)
        # Pydantic emits patternProperties for the names, but does not forbid other names.
        return found | {"additionalProperties": False} if "patternProperties" in found else found

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        found = super().default_schema(schema)
        if "default" in found:
            found["default"] = _with_units(found["default"], found)
        return found


def _with_units(default: Any, schema: JsonSchemaValue) -> Any:  # noqa: ANN401 - any JSON value
    if isinstance(default, float) and UNIT_KEYWORD in schema:
        return format_quantity(default, schema[UNIT_KEYWORD])
    items = schema.get("prefixItems", [])
    if isinstance(default, list) and len(default) == len(items):
        return [_with_units(item, below) for item, below in zip(default, items, strict=True)]
    return default
