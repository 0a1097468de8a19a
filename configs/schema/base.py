"""Base of all schema classes: frozen, no unknown keys, references to other files."""

import re
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema


class Config(BaseModel):
    """A frozen configuration object that refuses unknown keys and non-finite numbers."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True, protected_namespaces=()
    )


class MisplacedError(ValueError):
    """An error found by a check across keys, with the path of the key to correct, relative to the object."""

    def __init__(self, at: tuple[str | int, ...], message: str) -> None:
        super().__init__(message)
        self.at = at


class OpenUnion(ABC):
    """Annotation of a field whose value is of one of several classes; installed packages can add classes."""

    @abstractmethod
    def members(self) -> tuple[type[Config], ...]:
        """Return the classes."""


@dataclass(frozen=True)
class Reference:
    """Annotation of a field that is the name or path of another file of a kind, or a mapping in place."""

    kind: str

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Return a JSON schema that accepts text or a mapping."""
        return {"anyOf": [{"type": "string", "description": f"name of one of {self.kind}, or a path"}, handler(schema)]}


@dataclass(frozen=True)
class Pattern:
    """Annotation of a text that a regular expression describes, and what is valid in words."""

    expression: str
    valid: str

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Return the schema of the text, with this check."""
        return core_schema.no_info_after_validator_function(self._checked, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Return a JSON schema with the expression."""
        return {**handler(schema), "pattern": self.expression, "patternErrorMessage": f"valid: {self.valid}"}

    def _checked(self, text: str) -> str:
        if not re.search(self.expression, text):
            raise ValueError(f"{text!r} does not fit; valid: {self.valid}")
        return text


Name = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$", max_length=64)]
"""An identifier: letters, digits and underscores, starting with a letter."""
