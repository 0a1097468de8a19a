"""The record beside an installed policy, and the errors of flashing."""

from datetime import UTC, datetime
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from sim2real.configs.errors import UserError
from sim2real.runtime.contract.part import digest_of
from sim2real.runtime.contract.spec import Contract

MANIFEST_FORMAT = 1

Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class FlashError(UserError):
    """A policy cannot be installed, or a target cannot be read; what was active stays active."""


class Manifest(BaseModel):
    """The record beside an installed policy; written before the slot gets its name, so a slot never lacks it."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    format: Literal[1]
    sha256: Digest
    """SHA-256 of the policy file."""
    size: Annotated[int, Field(ge=1)]
    """Length of the policy file, bytes."""
    contract_digest: Digest
    robot_digest: Digest
    task: str
    robot: str
    provenance: dict[str, str]
    """How the policy was trained, from the model's metadata."""
    installed: datetime
    """UTC."""
    signed_by: str | None = None
    """Id of the trusted key that signed it; None where it was accepted without."""

    @classmethod
    def of(
        cls,
        *,
        sha256: str,
        size: int,
        contract: Contract,
        provenance: dict[str, str],
        installed: datetime,
        signed_by: str | None = None,
    ) -> Self:
        """Return the manifest of a policy file with this digest, length, contract and provenance."""
        return cls(
            format=MANIFEST_FORMAT,
            sha256=sha256,
            size=size,
            contract_digest=contract.digest(),
            robot_digest=digest_of(contract.robot),
            task=contract.task,
            robot=contract.robot.name,
            provenance=provenance,
            installed=installed.astimezone(UTC),
            signed_by=signed_by,
        )
