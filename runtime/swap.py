"""Which policy may take over from another one in the middle of a run."""

from typing import Any

from sim2real.runtime.contract.manifest import ContractError
from sim2real.runtime.contract.spec import Contract

_OWN = ("task", "goal", "recurrent_state")
"""What each policy may have of its own: nothing of the run's buffers, limits or log depends on it."""


def check_swap(running: Contract, other: Contract) -> None:
    """Refuse a policy that cannot take over: one that sees, commands or is clocked otherwise.

    Ranges seen in training may differ: the second policy's hold from then on.

    Raises:
        ContractError: Names the first field that differs.
    """
    ours, theirs = _shared(running), _shared(other)
    for name in ours:
        if ours[name] != theirs[name]:
            raise ContractError(
                f"the policy cannot take over: {name} differs: {_short(theirs[name])}, the running one has "
                f"{_short(ours[name])}"
            )


def _shared(contract: Contract) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for name in Contract.model_fields:
        if name in _OWN:
            continue
        value = getattr(contract, name)
        if name == "observation":
            value = tuple(term.model_copy(update={"low": (), "high": ()}) for term in value)
        fields[name] = value
    return fields


def _short(value: Any) -> str:  # noqa: ANN401 - any field of a contract
    text = str(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
