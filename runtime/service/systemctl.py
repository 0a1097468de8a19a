"""The system's `systemctl`: units of one user, or of the system."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from sim2real.configs.errors import UserError

_ANSWER_S: Final = 120.0  # a stop waits until torque is off; the unit allows it a minute
_NO_SYSTEMD: Final = (
    "has not been booted with systemd",
    "Failed to connect to bus",
    "Failed to connect to system scope bus",
)
_SHOWN: Final = (
    *("LoadState", "ActiveState", "SubState", "UnitFileState", "Result", "NRestarts", "MainPID"),
    "ActiveEnterTimestampMonotonic",
)


class ServiceError(UserError):
    """A service cannot be installed, removed or asked about."""


@dataclass(frozen=True)
class Systemctl:
    """Units of one user, or of the system."""

    program: str
    system: bool
    units: Path
    """The folder of their files."""

    @classmethod
    def of(cls, *, system: bool, environment: Mapping[str, str] = os.environ) -> Self:
        """Return that of this machine.

        Raises:
            ServiceError: It has no systemd.
        """
        program = shutil.which("systemctl", path=environment.get("PATH"))
        if program is None:
            raise ServiceError("this machine has no systemd: there is no systemctl; start runs by what it has instead")
        if system:
            return cls(program, system, Path("/etc/systemd/system"))
        config = environment.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
        return cls(program, system, Path(config) / "systemd" / "user")

    @property
    def words(self) -> str:
        """Return how a person calls it."""
        return "sudo systemctl" if self.system else "systemctl --user"

    def call(self, *arguments: str) -> str:
        """Return what it says. Raises ServiceError if it fails."""
        scope = "--system" if self.system else "--user"
        shown = f"systemctl {scope} {' '.join(arguments)}"
        try:
            done = subprocess.run(  # noqa: S603 - the system's own
                [self.program, scope, "--no-pager", "--no-ask-password", *arguments],
                capture_output=True,
                text=True,
                errors="replace",
                stdin=subprocess.DEVNULL,
                timeout=_ANSWER_S,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise ServiceError(f"{shown}: no answer within {_ANSWER_S:g} s") from error
        except OSError as error:
            raise ServiceError(f"{self.program}: {error.strerror}") from error
        if done.returncode != 0:
            raise ServiceError(self._reason(shown, done.stderr))
        return done.stdout

    def show(self, unit: str) -> dict[str, str]:
        """Return the properties of a unit. Raises ServiceError."""
        lines = self.call("show", unit, *(f"--property={name}" for name in _SHOWN)).splitlines()
        return {name: value for name, _, value in (line.partition("=") for line in lines)}

    def _reason(self, shown: str, said: str) -> str:
        lines = said.strip().splitlines() or ["no reason given"]
        if not any(text in said for text in _NO_SYSTEMD):
            return f"{shown}: {lines[0]}"
        if self.system:
            return f"this machine is not run by systemd ({lines[0]}); start runs by what it has instead"
        return (
            f"there is no systemd for this user here ({lines[0]}); log in as that user, or install a unit of the "
            "system with --system"
        )
