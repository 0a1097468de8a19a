"""Base of all schema classes: frozen, no unknown keys, references to other files."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, GetJsonSchemaHandler
from pydantic_core import CoreSchema


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


Name = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$", max_length=64)]
"""An identifier: letters, digits and underscores, starting with a letter."""
