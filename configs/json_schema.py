"""JSON Schema of the configurations, for completion and checks in editors."""

from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from sim2real.configs.schema.base import Config
from sim2real.configs.schema.quantity import UNIT_KEYWORD
from sim2real.configs.units import format_quantity


def json_schema(config: type[Config]) -> dict[str, Any]:
    """Return the JSON Schema of a kind of configuration."""
    return config.model_json_schema(schema_generator=_EditorSchema)


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
