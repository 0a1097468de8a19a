"""The contract that a checkpoint's policy was trained with, and whether it still holds here."""

from pathlib import Path
from typing import Final

from pydantic import ValidationError

from sim2real.runtime.contract.manifest import ContractError, read_contract
from sim2real.runtime.contract.spec import Contract
from sim2real.training.checkpoint import Checkpoint

OTHER_VERSION: Final = "written by another version: train again, or export again with the version that trained it"


def trained_contract(checkpoint: Checkpoint, path: Path) -> Contract:
    """Return the contract of a checkpoint.

    Args:
        checkpoint: The checkpoint.
        path: Its run, for the message.

    Raises:
        ContractError: It is not valid here; of an observation term that another package, or another version of it,
            computes here, the message says what to install.
    """
    try:
        return read_contract(checkpoint.contract)
    except ContractError as error:
        hint = f"; {OTHER_VERSION}" if isinstance(error.__cause__, ValidationError) else ""
        raise ContractError(f"{path}: {error}{hint}") from error


_POLICYS_OWN: Final = ("control_rate", "observation", "action", "phase_frequency")
"""Parts of the contract without which a policy sees or does something else."""


def changed_parts(trained: Contract, other: Contract) -> list[str]:
    """Return the parts of a contract that are a policy's own and differ in another one."""
    changed = [part for part in _POLICYS_OWN if getattr(trained, part) != getattr(other, part)]
    if [entry.name for entry in trained.commands] != [entry.name for entry in other.commands]:
        changed.append("commands")
    return changed
