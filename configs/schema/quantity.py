"""Field types for quantities: text with a unit in YAML, SI floats in Python."""

from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

from sim2real.configs.units import format_quantity, parse_quantity, valid_units

UNIT_KEYWORD = "x-unit"
"""Keyword in JSON Schema for the SI unit of a quantity."""


@dataclass(frozen=True)
class Quantity:
    """Annotation that makes a float field read and write text with a unit of `dimension` (named by its SI unit)."""

    dimension: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:  # noqa: ANN401 - pydantic's signature
        """Parse text to SI when validating; write SI text when serializing in mode `json`."""
        return core_schema.no_info_before_validator_function(
            lambda value: parse_quantity(value, self.dimension),
            core_schema.float_schema(allow_inf_nan=False),
            serialization=core_schema.plain_serializer_function_ser_schema(
                lambda si: format_quantity(si, self.dimension), when_used="json"
            ),
        )

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Return a JSON schema of the text: a number and a valid unit."""
        units = valid_units(self.dimension)
        return {
            "type": "string",
            "pattern": r"^\s*[-+]?[0-9.]+([eE][-+]?[0-9]+)?\s*(" + "|".join(map(_escaped, units)) + r")\s*$",
            "description": f"a number with a unit: {', '.join(units)}",
            "patternErrorMessage": f"write a number with a unit; valid: {', '.join(units)}",
            UNIT_KEYWORD: self.dimension,
        }


def _escaped(unit: str) -> str:
    return unit.replace("*", r"\*").replace("^", r"\^")


Voltage = Annotated[float, Quantity("V")]
Current = Annotated[float, Quantity("A")]
Torque = Annotated[float, Quantity("N*m")]
Angle = Annotated[float, Quantity("rad")]
AngularVelocity = Annotated[float, Quantity("rad/s")]
AngularAcceleration = Annotated[float, Quantity("rad/s^2")]
AngularJerk = Annotated[float, Quantity("rad/s^3")]
Duration = Annotated[float, Quantity("s")]
Rate = Annotated[float, Quantity("Hz")]
Length = Annotated[float, Quantity("m")]
Speed = Annotated[float, Quantity("m/s")]
Mass = Annotated[float, Quantity("kg")]
Inertia = Annotated[float, Quantity("kg*m^2")]
Damping = Annotated[float, Quantity("N*m*s/rad")]
Stiffness = Annotated[float, Quantity("N*m/rad")]
Temperature = Annotated[float, Quantity("degC")]
HeatCapacity = Annotated[float, Quantity("J/K")]
ThermalResistance = Annotated[float, Quantity("K/W")]
Resistance = Annotated[float, Quantity("ohm")]
Baudrate = Annotated[float, Quantity("baud")]

NonNegative = Field(ge=0.0)
Positive = Field(gt=0.0)
