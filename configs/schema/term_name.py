"""Names of what a task's terms are made of: any name is valid here, because a module of the user's may declare it.

The simulated world, which knows them all, checks them before it uses the task; see `sim2real.task.check`.
"""

from dataclasses import dataclass
from typing import Annotated, Any, Final

from pydantic import GetJsonSchemaHandler
from pydantic_core import CoreSchema

from sim2real.configs.schema.base import Name

TERM_KEYWORD: Final = "x-term"
"""In JSON Schema: what kind of term a text names."""


@dataclass(frozen=True)
class TermName:
    """Annotation of a text that names a term of some kind."""

    kind: str

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Say which kind, so that editors can be told the names that are shipped."""
        return handler(schema) | {TERM_KEYWORD: self.kind}


RewardName = Annotated[Name, TermName("reward")]
TerminationName = Annotated[Name, TermName("termination")]
MetricName = Annotated[Name, TermName("metric")]
PrivilegedName = Annotated[Name, TermName("privileged")]
