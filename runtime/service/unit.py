"""The systemd unit that runs a robot's active policy."""

import json
import re
from dataclasses import dataclass
from typing import Final

PREFIX: Final = "sim2real-"
SUFFIX: Final = ".service"
SOCKET: Final = "operator.sock"

_MARK: Final = "# Written by: sim2real service install"
_FACTS: Final = "[X-Sim2real]"
"""A section that systemd leaves alone: what the unit was made from."""

_PLAIN: Final = re.compile(r"[A-Za-z0-9_@:,./=+-]+")
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


@dataclass(frozen=True)
class Unit:
    """One robot's unit.

    A run that waits for an operator's start is started again whenever it ends, forever: it moves nothing by itself, an
    adapter may be plugged in later, and the next one takes the policy that was flashed meanwhile. A run that moves at
    once is started again only after it died without a word (a crash, `kill -9`), ten times in five minutes at most: a
    fault stays latched until a person has looked at it.
    """

    name: str
    """Of the robot's service; the unit is `sim2real-NAME.service`."""
    command: tuple[str, ...]
    """Program and arguments; the program's path is absolute."""
    target: str
    """Folder of the flash target."""
    system: bool
    """A unit of the system, or of one user."""
    user: str
    """Who runs it; written for a unit of the system."""
    moves_at_once: bool
    """Whether the run moves the robot without waiting for an operator's start."""
    socket: bool
    """Whether operators reach the run by a socket in the unit's runtime folder."""

    @property
    def file(self) -> str:
        """Return the name of its file."""
        return f"{PREFIX}{self.name}{SUFFIX}"

    def text(self) -> str:
        """Return the unit's text."""
        words = " ".join(word(each) for each in self.command)
        if self.socket:
            words += f" --operator socket:%t/{PREFIX}{self.name}/{SOCKET}"
        limits = (
            ["StartLimitIntervalSec=300", "StartLimitBurst=10"] if self.moves_at_once else ["StartLimitIntervalSec=0"]
        )
        lines = [
            _MARK,
            "[Unit]",
            f"Description=sim2real: the active policy of {self.name}",
            *limits,
            "",
            "[Service]",
            "Type=exec",
            f"ExecStart={words}",
            f"Restart={'on-abnormal' if self.moves_at_once else 'always'}",
            "RestartSec=5",
            "# SIGTERM ends a run in order. Its supervisor and its log ignore it: they end when torque is off.",
            "KillMode=control-group",
            "TimeoutStopSec=60",
            f"RuntimeDirectory={PREFIX}{self.name}",
            "RuntimeDirectoryMode=0700",
            "WorkingDirectory=~",
            "NoNewPrivileges=yes",
            *([f"User={self.user}", "LimitRTPRIO=95", "LimitMEMLOCK=infinity"] if self.system else []),
            "",
            "[Install]",
            f"WantedBy={'multi-user' if self.system else 'default'}.target",
            "",
            _FACTS,
            f"Target={json.dumps(self.target)}",
            "",
        ]
        return "\n".join(lines)


def check_name(name: str) -> str | None:
    """Return why a name cannot be that of a service; None if it can."""
    if _NAME.fullmatch(name):
        return None
    return "letters, digits and _ . - after a letter or a digit, 64 at most"


def word(text: str) -> str:
    """Return one argument as systemd.service(5) reads it: quoted, without its specifiers and variables."""
    if _PLAIN.fullmatch(text):
        return text
    return '"' + "".join(_escaped(character) for character in text) + '"'


def _escaped(character: str) -> str:
    if character in '\\"':
        return f"\\{character}"
    if character in "%$":
        return character * 2
    if ord(character) < 0x20 or ord(character) == 0x7F:
        return f"\\x{ord(character):02x}"
    return character


def is_ours(text: str) -> bool:
    """Return whether a unit's text was written by this program."""
    return text.startswith(_MARK)


def target_in(text: str) -> str:
    """Return the folder of the flash target of a unit's text; empty where it says none."""
    facts = text.partition(_FACTS)[2]
    found = re.search(r"^Target=(.*)$", facts, re.MULTILINE)
    return "" if found is None else json.loads(found[1])
