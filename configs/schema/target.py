"""Schema of a flash target: a place to install policies, and what it asks of them."""

from datetime import date
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from sim2real.configs.schema.base import Config, MisplacedError, Name, Reference
from sim2real.configs.schema.quantity import Duration, NonNegative
from sim2real.configs.schema.robot import RobotConfig

TrustedKey = Annotated[str, Field(pattern=r"^RW[QRST][A-Za-z0-9+/]{53}$")]
"""A public key as one line of minisign's: what `sim2real keygen` prints."""


class TargetConfig(Config):
    """A folder with two policy slots, and which policies may be installed there."""

    name: Name
    """Name of the target; usually the name of its file."""
    description: str = ""
    """One line for lists and documentation."""
    kind: Literal["directory"]
    """Kind of target: a folder on this machine."""
    path: str
    """The folder; created if missing. `~` is the home folder."""
    robot: Annotated[RobotConfig, Reference("robots")]
    """Robot that runs the installed policies; policies for other robots are refused."""
    trusted_keys: tuple[TrustedKey, ...] = ()
    """Public keys whose signatures are accepted: lines that `sim2real keygen` prints, as `minisign -P` takes them."""
    unsigned: Literal["refuse", "accept"] = "refuse"
    """A policy without a signature by one of `trusted_keys`. A signature that does not fit is refused either way."""
    oldest_export: str | None = None
    """A date such as `2026-11-01`, UTC: policies exported before it are refused."""
    healthy_for: Annotated[float, Duration, NonNegative] = 5.0
    """A new policy is on trial until it has run for so long without a break. 0 for no trial."""
    starts_max: Annotated[int, Field(ge=1, le=100)] = 3
    """Starts in which a policy on trial may die without a word (a crash, a power cut); then the robot goes back."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.oldest_export is not None:
            try:
                date.fromisoformat(self.oldest_export)
            except ValueError as error:
                raise MisplacedError(("oldest_export",), "must be a date such as 2026-11-01") from error
        return self
