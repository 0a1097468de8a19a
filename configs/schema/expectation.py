"""Schema of the expected result of a scenario: its end, counts, and checks of signals over time."""

from math import inf
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from sim2real.configs.schema.base import Config, MisplacedError
from sim2real.configs.schema.quantity import Duration, NonNegative, Positive

FinalState = Literal["RUNNING", "DAMPING", "FAULT", "ESTOP", "LIMP", "READY"]

ConditionText = Annotated[str, Field(max_length=120)]
"""A condition over one signal: `trunk.tilt < 30 deg`, `knee.position in -1 rad .. 1 rad`, `state is FAULT`."""

QUANTIFIERS = ("always", "eventually", "never")
"""The keys of a check of which exactly one is given."""


class CheckConfig(Config):
    """A condition over a signal, and when it must be met; exactly one of `always`, `eventually`, `never`."""

    always: ConditionText | None = None
    """A condition that must be met in the whole window."""
    eventually: ConditionText | None = None
    """A condition that must be met at some time in the window."""
    never: ConditionText | None = None
    """A condition that must not be met in the window."""
    holds: Annotated[Duration, Positive] | None = None
    """How long the condition must then be met without a break; only for `eventually`."""
    until: ConditionText | None = None
    """A condition whose first time ends the window, and which must come true in it; only for `always` and `never`."""
    since: Literal["policy", "torque", "fault"] = "policy"
    """Zero of `start`, `within` and `end`: when the policy first ran, when torque was first switched on, or when the
    first fault or disturbance took effect."""
    start: Annotated[Duration, NonNegative] = 0.0
    """Start of the window."""
    within: Annotated[Duration, Positive] | None = None
    """Length of the window from `start`."""
    end: Annotated[Duration, Positive] | None = None
    """End of the window; by default the end of the run."""
    why: str = ""
    """What a failure means, in words; shown with it."""

    @property
    def kind(self) -> str:
        """`always`, `eventually` or `never`."""
        return next(key for key in QUANTIFIERS if getattr(self, key) is not None)

    @property
    def condition(self) -> str:
        """The condition."""
        return str(getattr(self, self.kind))

    @property
    def text(self) -> str:
        """The check in words."""
        words = [self.kind, self.condition]
        if self.holds is not None:
            words.append(f"for {self.holds:g} s")
        if self.start:
            words.append(f"from {self.start:g} s")
        if self.within is not None:
            words.append(f"within {self.within:g} s")
        if self.end is not None:
            words.append(f"to {self.end:g} s")
        if self.until is not None:
            words.append(f"until {self.until}")
        if self.since != "policy" and (self.start or self.within or self.end):
            words.append(f"of the {self.since}" if self.since == "fault" else "of torque on")
        return " ".join(words)

    @model_validator(mode="after")
    def _check(self) -> Self:
        given = [key for key in QUANTIFIERS if getattr(self, key) is not None]
        if len(given) != 1:
            raise MisplacedError((), f"a check has exactly one of {', '.join(QUANTIFIERS)}, not {len(given)}")
        if self.holds is not None and self.eventually is None:
            raise MisplacedError(("holds",), f"is for `eventually`; `{given[0]}` has no such key")
        if self.until is not None and self.eventually is not None:
            raise MisplacedError(("until",), "is for `always` and `never`; `eventually` has no such key")
        if self.within is not None and self.end is not None:
            raise MisplacedError(("within",), "give `within` or `end`, not both")
        if self.end is not None and not self.end > self.start:
            raise MisplacedError(("end",), f"{self.end:g} s is not after the start, {self.start:g} s")
        if self.holds is not None and not self.holds <= (window := self.window_max):
            raise MisplacedError(("holds",), f"{self.holds:g} s is more than the window has, {window:g} s")
        return self

    @property
    def window_max(self) -> float:
        """Length of the window that the check itself sets, s; infinite where the run's end is that of the window."""
        if self.within is not None:
            return self.within
        return inf if self.end is None else self.end - self.start

    def past_the_end(self, duration: float) -> tuple[str, str] | None:
        """Return what of the window is past the end of every run, and why, so that the check can never be met.

        Args:
            duration: s that the policy runs. Of other zeros than its first run nothing is known before the run.
        """
        if self.since != "policy":
            return None
        if not self.start < duration:
            return "start", f"{self.start:g} s is not before the end of the run, {duration:g} s"
        end = self.start + self.window_max
        if self.eventually is None and self.until is None and duration < end < inf:
            key = "end" if self.within is None else "within"
            return key, f"the window ends at {end:g} s, the run at {duration:g} s; valid: up to the end of the run"
        if self.holds is not None and not self.holds <= duration - self.start:
            return "holds", f"{self.holds:g} s is more than the run has from then on, {duration - self.start:g} s"
        return None


class ExpectConfig(Config):
    """The expected result of a scenario."""

    final_state: FinalState = "RUNNING"
    """State of the runtime at the end of the run."""
    refused: str | None = None
    """Text that the refusal of the run must contain: torque is never switched on. By default the run must begin."""
    goal: bool | None = None
    """Whether the task's goal is reached; by default not checked."""
    torque_off: bool | None = None
    """Whether torque is off at the emulated motors at the end of the run, before the runtime shuts down; by default not
    checked."""
    interventions_max: Annotated[int, Field(ge=0)] | None = None
    """Largest number of interventions of the safety envelope; by default not checked."""
    interventions_min: Annotated[int, Field(ge=0)] | None = None
    """Smallest number of interventions of the safety envelope; by default not checked."""
    faults_injected_min: Annotated[int, Field(ge=0)] = 0
    """Smallest number of injected faults; ensures that the scenario tests something."""
    checks: tuple[CheckConfig, ...] = ()
    """Conditions over signals in time; every one is checked."""
