"""Where the commands of flashing work: a target with its robot and its terms, on this machine or behind ssh."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from sim2real.configs.schema.robot import RobotConfig
from sim2real.runtime.flash.directory import DirectoryTarget
from sim2real.runtime.flash.install import flash
from sim2real.runtime.flash.manifest import FlashError
from sim2real.runtime.flash.record import Record
from sim2real.runtime.flash.results import Installed, Status
from sim2real.runtime.flash.rollback import allow, revoke, rollback, status, trust
from sim2real.runtime.flash.terms import Terms


class Place(Protocol):
    """A target, as the commands see it; every method raises UserError."""

    @property
    def place(self) -> str:
        """Return where it is, for people."""
        ...

    @property
    def policy_path(self) -> str:
        """Return the path of the active policy there: what `sim2real run` is given."""
        ...

    def flash(self, policy: Path) -> Installed:
        """Install a policy; its signature is beside it."""
        ...

    def rollback(self) -> Installed:
        """Switch to the other slot."""
        ...

    def status(self) -> Status:
        """Read and verify what is there."""
        ...

    def revoke(self, sha256: str, why: str) -> Installed:
        """Mark a policy as bad; go back from it if it is active."""
        ...

    def allow(self, sha256: str) -> None:
        """Undo what marked a policy as bad."""
        ...

    def trust(self) -> Record:
        """Give it the trust of its file."""
        ...


@dataclass(frozen=True)
class LocalPlace:
    """A folder on this machine."""

    target: DirectoryTarget
    robot: RobotConfig | None
    """None where a plain folder was given without one."""
    terms: Terms | None
    """None for a plain folder."""

    @property
    def place(self) -> str:
        """Return the folder."""
        return self.target.place

    @property
    def policy_path(self) -> str:
        """Return the path through `current`."""
        return self.target.policy_path

    def flash(self, policy: Path) -> Installed:
        """Install a policy. Raises UserError."""
        if self.robot is None:
            raise FlashError(f"{self.place}: a plain folder needs its robot as well: --robot ROBOT")
        return flash(policy, self.robot, self.target, terms=self.terms)

    def rollback(self) -> Installed:
        """Switch to the other slot. Raises FlashError."""
        return rollback(self.target, self.robot, terms=self.terms)

    def status(self) -> Status:
        """Read and verify what is there. Raises FlashError."""
        return status(self.target, self.robot)

    def revoke(self, sha256: str, why: str) -> Installed:
        """Mark a policy as bad. Raises FlashError."""
        return revoke(self.target, sha256, why, self.robot)

    def allow(self, sha256: str) -> None:
        """Undo that. Raises FlashError."""
        allow(self.target, sha256)

    def trust(self) -> Record:
        """Give it the trust of its file. Raises FlashError."""
        if self.terms is None:
            raise FlashError(f"{self.place}: a plain folder has no file that says whom it trusts; give a target's YAML")
        return trust(self.target, self.terms)
