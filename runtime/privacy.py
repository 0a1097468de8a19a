"""Removes from text what says whose machine it came from: names of user and host, home folders, serial numbers."""

import getpass
import re
import socket
from pathlib import Path
from typing import Any, Final

_COMMON_USERS: Final = {"root", "user", "admin", "pi", "ubuntu", "debian", "robot", "runner"}
"""They name nobody, and joints or links may be called so."""

_COMMON_HOSTS: Final = {"localhost", "raspberrypi", "ubuntu", "debian", "robot"}

_HOMES: Final = re.compile(r"/(?:home|Users)/[^/\s\"':]+|/root(?=/|\b)")
_BY_ID: Final = re.compile(r"(/dev/serial/by-id/)[^\s\"',]+")
_SERIAL: Final = re.compile(r"serial|uuid|uid\b", re.IGNORECASE)


class Privacy:
    """What is removed on this machine.

    Args:
        user: Name of the user.
        host: Name of the machine.
        home: The user's home folder.
    """

    def __init__(self, user: str, host: str, home: Path) -> None:
        words = {}
        if user and user not in _COMMON_USERS:
            words[user] = "<user>"
        for name in {host, host.partition(".")[0]} - {""} - _COMMON_HOSTS:
            words[name] = "<host>"
        self._home = str(home)
        self._words = {
            re.compile(rf"(?<![A-Za-z0-9]){re.escape(word)}(?![A-Za-z0-9])"): new for word, new in words.items()
        }

    @classmethod
    def of_this_machine(cls) -> "Privacy":
        """Return what is removed for this user on this machine."""
        try:
            user = getpass.getuser()
        except (OSError, KeyError):  # no such user in the password file, as in containers
            user = ""
        return cls(user, socket.gethostname(), Path.home())

    def text(self, text: str) -> str:
        """Return a text without what is private."""
        if len(self._home) > 1:
            text = text.replace(self._home, "<home>")
        text = _BY_ID.sub(r"\1<serial number>", _HOMES.sub("<home>", text))
        for word, new in self._words.items():
            text = word.sub(new, text)
        return text

    def data(self, data: Any) -> Any:  # noqa: ANN401 - JSON
        """Return plain data without what is private: in texts, in keys, and under keys that name a serial number."""
        if isinstance(data, str):
            return self.text(data)
        if isinstance(data, dict):
            return {
                self.text(str(key)): "<removed>" if _SERIAL.search(str(key)) else self.data(value)
                for key, value in data.items()
            }
        return [self.data(each) for each in data] if isinstance(data, list | tuple) else data
