"""Validates the `registers` of a motor with the schema of their family; installed packages can add families."""

import json
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationInfo
from pydantic_core import CoreSchema, PydanticKnownError, core_schema

from sim2real.configs.choice import not_a_choice
from sim2real.configs.families import MOTOR_FAMILIES
from sim2real.configs.schema.base import Config, MisplacedError, OpenUnion
from sim2real.configs.schema.registers import Registers


class OfInstalledFamily(OpenUnion):
    """Annotation of a motor's `registers`. A family is loaded when a value names it."""

    def members(self) -> tuple[type[Config], ...]:
        """Return the register schemas of the families that load."""
        families, _ = MOTOR_FAMILIES.working()
        return tuple(family.registers for family in families.values())

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:  # noqa: ANN401 - pydantic's signature
        """Validate with the family's schema; serialize with the schema of the value's own class."""
        any_class = core_schema.simple_ser_schema("any")
        return core_schema.with_info_plain_validator_function(_read, serialization=any_class)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Return the union of the register schemas of all families that load."""
        families, _ = MOTOR_FAMILIES.working()
        choices = {name: family.registers.__pydantic_core_schema__ for name, family in families.items()}
        return handler(core_schema.tagged_union_schema(choices, "family"))


def _read(value: object, info: ValidationInfo) -> Registers:
    if isinstance(value, Registers):
        return value
    if not isinstance(value, dict):
        raise PydanticKnownError("dict_type")
    if "family" not in value:
        valid = ", ".join(MOTOR_FAMILIES.names)
        raise MisplacedError(("family",), f"this key is required and missing; valid: {valid}")
    name = value["family"]
    if not isinstance(name, str) or name not in MOTOR_FAMILIES:
        raise MisplacedError(("family",), not_a_choice(name, MOTOR_FAMILIES.names))
    schema = MOTOR_FAMILIES[name].registers
    if info.mode != "json":
        return schema.model_validate(value)
    # As JSON again: strict validation accepts JSON arrays as tuples, but not Python lists.
    return schema.model_validate_json(json.dumps(value), strict=True)
