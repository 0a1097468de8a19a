"""The record of a target: which keys it trusts, which policy is on trial, which are bad, and what has happened.

One file, replaced whole, so that its parts always fit each other. A target without it asks nothing and has no history.
"""

from datetime import UTC, datetime
from typing import Final, Literal, Self

from pydantic import Field

from sim2real.runtime.flash.manifest import Digest
from sim2real.runtime.flash.terms import Part, Terms

RECORD: Final = "record.json"
RECORD_BYTES_MAX: Final = 1_000_000
_EVENTS_MAX: Final = 200  # years of flashing; the file stays below a hundred kilobytes
_BAD_MAX: Final = 1000
_WORDS_MAX: Final = 300

Happening = Literal["installed", "healthy", "went back", "failed", "revoked", "allowed", "trusts"]


class Event(Part):
    """One thing that has happened."""

    number: int
    """From 1 on: the order, whatever the clock said."""
    time: datetime
    """UTC, as the robot's clock had it."""
    what: Happening
    sha256: Digest | None
    """The policy that it is about."""
    why: str = ""


class Trial(Part):
    """A policy that has not yet run for long enough."""

    sha256: Digest
    starts: int = 0
    """Starts that ended without a word so far."""
    last: str = ""
    """How the last run of it ended, where that decided nothing."""


class Record(Part):
    """The record of a target."""

    format: Literal[1] = 1
    terms: Terms = Terms()
    trial: Trial | None = None
    healthy: tuple[Digest, ...] = ()
    """Policies in the slots that have passed their trial."""
    bad: dict[Digest, str] = Field(default_factory=dict)
    """Policies that are refused, and why."""
    events: tuple[Event, ...] = ()
    """The newest, oldest first."""

    def on_trial(self, sha256: str) -> Trial | None:
        """Return the trial of a policy, None where it is not on trial."""
        return self.trial if self.trial is not None and self.trial.sha256 == sha256 else None

    def with_event(self, what: Happening, sha256: str | None, now: datetime, why: str = "") -> Self:
        """Return the record with one more event."""
        number = self.events[-1].number + 1 if self.events else 1
        event = Event(number=number, time=now.astimezone(UTC), what=what, sha256=sha256, why=why[:_WORDS_MAX])
        return self.model_copy(update={"events": (*self.events[1 - _EVENTS_MAX :], event)})

    def begin_trial(self, sha256: str) -> Self:
        """Return the record with a policy on trial, unless it has passed it, or there is none."""
        wanted = self.terms.gate.healthy_for > 0.0 and sha256 not in self.healthy
        return self.model_copy(update={"trial": Trial(sha256=sha256) if wanted else None})

    def pass_trial(self, sha256: str, now: datetime) -> Self:
        """Return the record with the policy's trial passed."""
        healthy = (*(known for known in self.healthy if known != sha256), sha256)[-2:]  # as many as there are slots
        why = f"ran for {self.terms.gate.healthy_for:g} s without a break"
        return self.model_copy(update={"trial": None, "healthy": healthy}).with_event("healthy", sha256, now, why)

    def mark_bad(self, sha256: str, what: Literal["failed", "revoked"], why: str, now: datetime) -> Self:
        """Return the record with a policy that is refused from now on."""
        bad = dict([*((key, text) for key, text in self.bad.items() if key != sha256)][1 - _BAD_MAX :])
        bad[sha256] = why[:_WORDS_MAX]
        trial = None if self.on_trial(sha256) else self.trial
        healthy = tuple(known for known in self.healthy if known != sha256)
        return self.model_copy(update={"bad": bad, "trial": trial, "healthy": healthy}).with_event(
            what, sha256, now, why
        )

    def allow(self, sha256: str, now: datetime) -> Self:
        """Return the record with a policy that is no longer refused."""
        bad = {key: text for key, text in self.bad.items() if key != sha256}
        return self.model_copy(update={"bad": bad}).with_event("allowed", sha256, now)
