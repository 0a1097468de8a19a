"""Fields that name an installed part, and blocks whose schema is the part's own."""

import json
from dataclasses import dataclass
from typing import Any, Final, Protocol, get_args

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, SerializationInfo, ValidationInfo
from pydantic_core import CoreSchema, core_schema

from sim2real.configs.choice import shown
from sim2real.configs.errors import ConfigError
from sim2real.configs.plugins import PluginError, Plugins, unknown
from sim2real.configs.schema.base import Config, MisplacedError

_NAME_MAX: Final = 64  # characters of somebody's text that a message shows


class Names(Protocol):
    """What a text may name."""

    @property
    def names(self) -> tuple[str, ...]:
        """All of them, sorted."""

    def __contains__(self, name: str, /) -> bool: ...

    def __getitem__(self, name: str, /) -> object:
        """Return what is named. Raises ConfigError for a name that there is not, PluginError where a package failed."""


@dataclass(frozen=True)
class PartName:
    """Annotation of a text that names an installed part."""

    parts: Names

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:  # noqa: ANN401 - pydantic's signature
        """Refuse a name that no installed package registers; nothing is loaded for that."""
        return core_schema.no_info_after_validator_function(self._known, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Tell editors the names of what is installed."""
        return handler(schema) | {"enum": list(self.parts.names)}

    def _known(self, name: str) -> str:
        if name not in self.parts:
            try:
                self.parts[name]
            except ConfigError as error:
                raise ValueError(str(error)) from None
        return name


@dataclass(frozen=True)
class PartBlock:
    """Annotation of a block that one of its keys makes the block of an installed part.

    The part's `config` is the schema of the whole block, a `Config` with that key.
    """

    parts: Plugins[Any]
    key: str
    """Which key names the part."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:  # noqa: ANN401 - pydantic's signature
        """Validate the block by the schema of the part that it names, and write all that this has."""
        return core_schema.with_info_plain_validator_function(
            lambda block, info: block if isinstance(block, source) else self._validated(block, info),
            serialization=core_schema.plain_serializer_function_ser_schema(_dumped, info_arg=True),
        )

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Tell editors the blocks of all that is installed."""
        return {"anyOf": [self._described(name, handler) for name in self.parts.names]}

    def schema_of(self, block: object) -> type[Config] | None:
        """Return the schema of a block; None where it names no installed part. Raises PluginError."""
        name = block.get(self.key) if isinstance(block, dict) else None
        if not (isinstance(name, str) and name in self.parts):
            return None
        config: type[Config] = self.parts[name].config
        field = config.model_fields.get(self.key)
        if field is None or name not in get_args(field.annotation):
            raise self.parts.wrong(name, f"has a schema without `{self.key}: Literal[{name!r}]`")
        return config

    def _validated(self, block: object, info: ValidationInfo) -> Config:
        if not isinstance(block, dict):
            raise ValueError("must be a mapping of keys to values")
        if self.key not in block:
            valid = ", ".join(self.parts.names) or "none"
            raise MisplacedError((self.key,), f"this key is required and missing; valid: {valid}")
        schema = self.schema_of(block)
        if schema is None:
            given = block[self.key]
            if not isinstance(given, str):
                raise MisplacedError((self.key,), f"must be a name, not {shown(given)}")
            raise MisplacedError((self.key,), unknown(self.parts.noun, given[:_NAME_MAX], self.parts.names))
        if info.mode == "json":
            # As the loader does: `true` is no number, and lists become tuples.
            return schema.model_validate_json(json.dumps(block), strict=True)
        return schema.model_validate(block)

    def _described(self, name: str, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        try:
            config: type[Config] = self.parts[name].config
        except PluginError:  # named where it is used; here the others go on, and editors accept any block of its name
            return {"type": "object", "properties": {self.key: {"const": name}}, "required": [self.key]}
        return handler(config.__pydantic_core_schema__)


def without_schema(part: object, base: type[Config]) -> str | None:
    """Return what is wrong with a part whose `config` should be a schema that extends `base`; None when nothing is."""
    config = getattr(part, "config", None)
    if isinstance(config, type) and issubclass(config, base):
        return None
    return f"its `config` is no {base.__name__}"


def _dumped(block: Config, info: SerializationInfo) -> dict[str, Any]:
    return block.model_dump(mode=info.mode)
