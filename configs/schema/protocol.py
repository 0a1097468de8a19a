"""Field types for the protocols of buses and IMUs of the installed families."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

from sim2real.configs.choice import not_a_choice
from sim2real.configs.errors import ConfigError
from sim2real.configs.families import IMU_FAMILIES, family_speaking, motor_protocols


@dataclass(frozen=True)
class Installed:
    """Annotation of a text that must be a name registered by an installed package."""

    names: Callable[[], tuple[str, ...]]
    check: Callable[[str], object]
    """Raises ConfigError for an unknown name, PluginError if its package cannot be loaded."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:  # noqa: ANN401 - pydantic's signature
        """Check the name during validation."""
        return core_schema.no_info_after_validator_function(self._checked, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Return a JSON schema that lists the names."""
        return {"type": "string", "enum": list(self.names())}

    def _checked(self, value: str) -> str:
        try:
            self.check(value)
        except ConfigError:
            raise ValueError(not_a_choice(value, self.names())) from None
        return value


MotorProtocol = Annotated[str, Installed(motor_protocols, family_speaking)]
"""Protocol of a bus: that of an installed motor family."""

ImuProtocol = Annotated[str, Installed(lambda: IMU_FAMILIES.names, IMU_FAMILIES.__getitem__)]
"""Protocol of an IMU: the name of an installed IMU family."""
