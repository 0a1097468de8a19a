"""A `systemctl` on PATH that keeps a unit's state in a folder, for tests of services."""

import os
from dataclasses import dataclass
from pathlib import Path

import pytest

_PROGRAM = """#!/bin/sh
here={folder}
echo "$*" >> "$here/calls"
shift 3
if [ -e "$here/refuse-$1" ]; then cat "$here/refuse-$1" >&2; exit 1; fi
case "$1" in
enable) touch "$here/enabled" ;;
restart) touch "$here/active" ;;
disable) rm -f "$here/enabled" "$here/active" ;;
show)
    [ -e "$here/active" ] && printf 'ActiveState=active\\nSubState=running\\nMainPID=4321\\nNRestarts=2\\n'
    [ -e "$here/active" ] && echo ActiveEnterTimestampMonotonic=1000000
    [ -e "$here/active" ] || printf 'ActiveState=failed\\nSubState=failed\\nResult=exit-code\\nMainPID=0\\n'
    [ -e "$here/enabled" ] && echo UnitFileState=enabled
    exit 0 ;;
esac
"""


@dataclass(frozen=True)
class FakeSystemd:
    """The machine's systemd, for this test."""

    folder: Path
    units: Path
    """Where units of the user are."""

    def calls(self) -> list[str]:
        """Return what was asked so far: the words after the options."""
        path = self.folder / "calls"
        lines = path.read_text().splitlines() if path.exists() else []
        return [" ".join(line.split()[3:]) for line in lines]

    def refuse(self, verb: str, words: str) -> None:
        """Let a verb fail from now on."""
        (self.folder / f"refuse-{verb}").write_text(words + "\n")

    def crash(self) -> None:
        """Let the service end."""
        (self.folder / "active").unlink()


def fake_systemd(folder: Path, monkeypatch: pytest.MonkeyPatch) -> FakeSystemd:
    """Put the program in front of PATH, and the user's configuration into the folder."""
    programs, config = folder / "programs", folder / "config"
    programs.mkdir(parents=True)
    (folder / "runtime").mkdir()
    program = programs / "systemctl"
    program.write_text(_PROGRAM.format(folder=programs))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(config))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder / "runtime"))
    return FakeSystemd(programs, config / "systemd" / "user")
