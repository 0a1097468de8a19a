"""What a target asks of policies: whose signature, how old they may be, how long they must run to pass their trial."""

from datetime import UTC, date, datetime
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field

from sim2real.configs.schema.target import TargetConfig
from sim2real.runtime.flash.manifest import FlashError
from sim2real.runtime.flash.trust import Trust

EXPORTED = "exported_at"
"""Key of the provenance: when a policy was exported, ISO 8601."""


class Part(BaseModel):
    """A part of what a target keeps: frozen, no unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Gate(Part):
    """What a new policy must do before it is the one to go back to."""

    healthy_for: Annotated[float, Field(ge=0.0, le=86_400.0)] = 0.0
    """s of running without a break; 0 for no trial."""
    starts_max: Annotated[int, Field(ge=1, le=100)] = 3


class Terms(Part):
    """What a target asks of policies; a plain folder asks nothing but that they are for its robot."""

    trust: Trust | None = None
    """None accepts everything."""
    gate: Gate = Gate()
    oldest_export: date | None = None
    """UTC: policies exported before it are refused."""

    @classmethod
    def of(cls, config: TargetConfig) -> Self:
        """Return the terms of a target's file."""
        oldest = None if config.oldest_export is None else date.fromisoformat(config.oldest_export)
        gate = Gate(healthy_for=config.healthy_for, starts_max=config.starts_max)
        return cls(trust=Trust.of(config), gate=gate, oldest_export=oldest)

    def joined(self, given: "Terms | None") -> Self:
        """Return the terms that hold where these are the robot's and a target file gives others.

        A robot keeps the trust that it was given first, as ssh keeps host keys, and its date never goes back.

        Raises:
            FlashError: The file gives another trust than the robot's.
        """
        if given is None:
            return self
        if self.trust is not None and given.trust is not None and self.trust != given.trust:
            raise FlashError(
                f"the robot {self.trust.words()}, by the target's file it {given.trust.words()}; "
                "if the robot's is to change: sim2real trust --to TARGET"
            )
        trust = self.trust if self.trust is not None else given.trust
        return self.no_older(given).model_copy(update={"trust": trust, "gate": given.gate})

    def no_older(self, given: "Terms | None") -> Self:
        """Return the terms with the later of two oldest dates accepted."""
        dates = [each.oldest_export for each in (self, given) if each is not None and each.oldest_export is not None]
        return self.model_copy(update={"oldest_export": max(dates, default=None)})

    def check_age(self, provenance: dict[str, str]) -> None:
        """Refuse a policy that was exported before the oldest date accepted, or does not say when.

        Raises:
            FlashError: Says which.
        """
        if self.oldest_export is None:
            return
        try:
            exported = datetime.fromisoformat(provenance[EXPORTED]).astimezone(UTC).date()
        except (KeyError, ValueError) as error:
            raise FlashError(
                f"the policy does not say when it was exported; this target takes none from before {self.oldest_export}"
            ) from error
        if not exported >= self.oldest_export:
            raise FlashError(
                f"the policy was exported on {exported}; this target takes none from before {self.oldest_export}"
            )
