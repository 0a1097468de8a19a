"""The base of all parts of the contract: frozen, strict, exact in JSON, with a digest."""

import hashlib
import json
from typing import Any

from pydantic import BaseModel, ConfigDict


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
