"""Schema of a Python module whose decorated functions are terms of a task."""

import re
from dataclasses import dataclass
from typing import Annotated, Any, Final

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, field_validator
from pydantic_core import CoreSchema, core_schema

from sim2real.configs.choice import shown
from sim2real.configs.schema.base import Config

_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_DOTTED: Final = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*", re.ASCII)


class ModuleConfig(Config):
    """A Python module of the user's. Loading a configuration never runs it; what simulates the task does."""

    module: str
    """A path that ends in `.py`, relative to the file that names it, or the dotted name of an installed module."""
    sha256: str | None = None
    """Digest of the module's text, hex digits. A run writes it; a module with another text is then refused."""

    @field_validator("module")
    @classmethod
    def _check(cls, module: str) -> str:
        if not (is_module_path(module) or _DOTTED.fullmatch(module)):
            raise ValueError(f"{module!r} is no module; valid: a path that ends in .py, or a dotted name")
        return module

    @field_validator("sha256")
    @classmethod
    def _check_digest(cls, sha256: str | None) -> str | None:
        if sha256 is not None and not _DIGEST.fullmatch(sha256):
            raise ValueError(f"{shown(sha256)} is no SHA-256; valid: 64 hex digits, 0 to 9 and a to f")
        return sha256

    @property
    def is_path(self) -> bool:
        """Whether it is a file of the user's, not an installed module."""
        return is_module_path(self.module)


def is_module_path(module: str) -> bool:
    """Tell whether a module is given by its path rather than by a dotted name."""
    return module.endswith(".py")


@dataclass(frozen=True)
class OrItsModule:
    """Annotation: the text of `module` may stand for the whole mapping."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:  # noqa: ANN401 - pydantic's signature
        """Take text for a mapping with this one key."""
        return core_schema.no_info_before_validator_function(
            lambda given: {"module": given} if isinstance(given, str) else given, handler(source)
        )

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Tell editors that text will do as well."""
        return {
            "anyOf": [{"type": "string", "description": "a path that ends in .py, or a dotted name"}, handler(schema)]
        }


Module = Annotated[ModuleConfig, OrItsModule()]
