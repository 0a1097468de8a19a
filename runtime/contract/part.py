"""The base of all parts of the contract: frozen, strict, exact in JSON, with a digest."""

import hashlib
import json
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

COUNT_MAX: Final = 256
"""Joints, IMUs, terms, commands: more than any robot has, and few enough to be read in no time."""

# Numbers of a contract come from a file that anyone may have written. What is beyond these bounds is no robot, and
# would overflow, divide by zero or allocate without end further on. All are far outside of what motors can do.
Name = Annotated[str, Field(min_length=1, max_length=200)]
Angle = Annotated[float, Field(ge=-1e4, le=1e4)]
"""rad; a thousand turns and more."""
Speed = Annotated[float, Field(gt=0.0, le=1e4)]
"""rad/s"""
Effort = Annotated[float, Field(gt=0.0, le=1e5)]
"""N·m"""
Gain = Annotated[float, Field(ge=0.0, le=1e6)]
"""N·m/rad or N·m·s/rad"""
Seconds = Annotated[float, Field(gt=0.0, le=3600.0)]
Metres = Annotated[float, Field(ge=-1e3, le=1e3)]
Tolerance = Annotated[float, Field(gt=0.0, le=1e4)]
Value = Annotated[float, Field(ge=-1e9, le=1e9)]
"""Of any unit."""
Vector = Annotated[tuple[Metres, Metres, Metres], Field(strict=False)]
Unit = Annotated[float, Field(ge=-1.0, le=1.0)]
"""A component of a vector of length 1."""


class Part(BaseModel):
    """A frozen part of the contract; unknown fields and non-finite numbers are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, strict=True, protected_namespaces=())


def digest_of(part: Part) -> str:
    """Return the SHA-256 of a part's canonical JSON (sorted keys, no spaces, shortest exact floats), as hex digits."""
    canonical = json.dumps(part.model_dump(mode="json"), sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def without_empty(data: dict[str, Any], *names: str) -> dict[str, Any]:
    """Return a dump without those of the named fields that are empty, so that they do not change its digest."""
    empty: tuple[Any, ...] = ((), [], None)
    return {
        key: value for key, value in data.items() if key not in names or (value not in empty and value is not False)
    }


def first_problem(error: ValidationError) -> str:
    """Return the first thing that is wrong with a part, with its place, on one line."""
    problem = error.errors(include_url=False)[0]
    place = ".".join(map(str, problem["loc"]))
    return f"{place}: {problem['msg']}" if place else problem["msg"]
