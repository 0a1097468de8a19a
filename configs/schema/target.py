"""Schema of a flash target: a place to install policies, and what it asks of them."""

from datetime import date
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from sim2real.configs.schema.base import Config, MisplacedError, Name, Pattern, Reference
from sim2real.configs.schema.quantity import Duration, NonNegative
from sim2real.configs.schema.robot import RobotConfig

TrustedKey = Annotated[
    str,
    Pattern(r"^RW[QRST][A-Za-z0-9+/]{53}$", "a public key of 56 characters from RW on, as `sim2real keygen` prints it"),
]
"""A public key as one line of minisign's: what `sim2real keygen` prints."""


class SshConfig(Config):
    """How to reach the machine of a target: with the system's `ssh`, whose own configuration holds too."""

    host: Annotated[
        str,
        Pattern(r"^[A-Za-z0-9_][A-Za-z0-9_.:%@-]*$", "a host name or address, user@host, or an alias of ~/.ssh/config"),
    ]
    """Host name or address, `user@host`, or an alias of `~/.ssh/config`. Its host key must be known already."""
    port: Annotated[int, Field(ge=1, le=65535)] | None = None
    """Its port; that of ssh's own configuration when left out."""
    identity: str | None = None
    """File of the private key; ssh's own choice when left out. Passwords are not asked for."""
    known_hosts: str | None = None
    """File of known host keys; ssh's own when left out."""
    command: str | None = None
    """Path of `sim2real` there, or its name; what `--install-runtime` installed, or `sim2real`, when left out."""
    robot: str | None = None
    """The robot's own YAML there, by path; the shipped robot of the same name when left out. It decides."""


class TargetConfig(Config):
    """A folder with two policy slots, and which policies may be installed there."""

    name: Name
    """Name of the target; usually the name of its file."""
    description: str = ""
    """One line for lists and documentation."""
    kind: Literal["directory", "ssh"]
    """A folder on this machine, or on one behind ssh."""
    ssh: SshConfig | None = None
    """The other machine, of kind `ssh`."""
    path: str
    """The folder, on the machine that runs the policies; created if missing. `~` is the home folder there."""
    robot: Annotated[RobotConfig, Reference("robots")]
    """Robot that runs the installed policies; policies for other robots are refused."""
    trusted_keys: tuple[TrustedKey, ...] = ()
    """Public keys whose signatures are accepted: lines that `sim2real keygen` prints, as `minisign -P` takes them."""
    unsigned: Literal["refuse", "accept"] = "refuse"
    """A policy without a signature by one of `trusted_keys`. A signature that does not fit is refused either way."""
    oldest_export: str | None = None
    """A date such as `2026-11-01`, UTC: policies exported before it are refused."""
    healthy_for: Annotated[Duration, NonNegative] = 5.0
    """A new policy is on trial until it has run for so long without a break. 0 for no trial."""
    starts_max: Annotated[int, Field(ge=1, le=100)] = 3
    """Starts in which a policy on trial may die without a word (a crash, a power cut); then the robot goes back."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if (self.kind == "ssh") != (self.ssh is not None):
            raise MisplacedError(("ssh",), "must be given with kind: ssh, and only there")
        if self.oldest_export is not None:
            try:
                date.fromisoformat(self.oldest_export)
            except ValueError as error:
                raise MisplacedError(("oldest_export",), "must be a date such as 2026-11-01") from error
        return self


class FleetConfig(Config):
    """Several targets that get a policy one after the other."""

    name: Name
    """Name of the fleet."""
    description: str = ""
    """One line for people."""
    targets: Annotated[tuple[str, ...], Field(min_length=1, max_length=1000)]
    """Their files, from this one's folder, or shipped names. The first goes first, and must pass its trial."""
