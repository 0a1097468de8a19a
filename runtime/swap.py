"""Which policy may take over from another one in the middle of a run."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from sim2real.runtime.contract.manifest import ContractError
from sim2real.runtime.contract.spec import Contract, ObservationTermSpec
from sim2real.runtime.policy import Policy

_Ranges = tuple[tuple[tuple[float, ...], tuple[float, ...]], ...]

_OWN = ("task", "goal", "recurrent_state")
"""What each policy may have of its own: nothing of the run's buffers, limits or log depends on it."""


@dataclass(frozen=True)
class Swap:
    """A policy that took over: what the report and the log keep of it."""

    tick: int
    """The first tick in which it could act."""
    digest: str
    """SHA-256 of its file, hex digits."""
    ranges: _Ranges = ()
    """Lowest and highest values seen in its training, of each block of the observation."""

    @classmethod
    def of(cls, policy: Policy, tick: int) -> Self:
        """Return the swap to a policy."""
        return cls(tick, policy.digest, tuple((term.low, term.high) for term in policy.contract.observation))

    def observation(self, running: Sequence[ObservationTermSpec]) -> tuple[ObservationTermSpec, ...]:
        """Return the blocks of the observation with this policy's ranges."""
        pairs = zip(running, self.ranges, strict=True)
        return tuple(term.model_copy(update={"low": low, "high": high}) for term, (low, high) in pairs)


def swaps_text(swaps: Sequence[Swap]) -> str:
    """Return swaps as JSON, for the log."""
    return json.dumps([[swap.tick, swap.digest, swap.ranges] for swap in swaps])


def logged_swaps(run: Mapping[str, str]) -> tuple[Swap, ...]:
    """Return the swaps in a log's record about the end of its run; none where it was killed, or of another version."""
    entries = json.loads(run.get("swaps", "[]"))
    if not all(len(entry) == 3 for entry in entries):
        return ()
    return tuple(
        Swap(tick, digest, tuple((tuple(low), tuple(high)) for low, high in ranges)) for tick, digest, ranges in entries
    )


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
