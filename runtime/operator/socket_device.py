"""`SocketDevice`: a Unix-domain socket as a device; other programs command the robot through it."""

import contextlib
import os
import selectors
import socket
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from sim2real.configs.errors import UserError
from sim2real.runtime.operator.briefing import Briefing
from sim2real.runtime.operator.client import Client
from sim2real.runtime.operator.desk import OperatorDesk

CLIENTS_MAX: Final = 16
"""More are told so, and closed: each has a buffer."""

_PATH_BYTES_MAX: Final = 107  # sun_path of <sys/un.h>, less its final zero


class SocketDevice:
    """Implements `Device`: lines of JSON from any number of clients, as in docs/reference/json.md.

    The file has mode 0600: the user of the run alone may connect.

    Args:
        path: Of the socket's file; one that no program listens on any more is replaced.
        desk: Where requests are handed in.
        state: The state of the run as plain data, for subscribers.
        briefing: Shown to each new client.
    """

    def __init__(self, path: str, desk: OperatorDesk, state: Callable[[], dict[str, Any]], briefing: Briefing) -> None:
        self.name = f"socket {path}"
        self._path = Path(path)
        self._desk = desk
        self._state = state
        self._briefing = briefing
        self._listener: socket.socket | None = None
        self._selector: selectors.BaseSelector | None = None
        self._inode: tuple[int, int] | None = None
        self._clients: list[Client] = []
        self._accepted = 0

    def open(self, selector: selectors.BaseSelector) -> None:
        """Listen. Raises UserError when the path cannot be used."""
        path, option = self._path, f"--operator socket:{self._path}"
        if len(os.fsencode(path)) > _PATH_BYTES_MAX:
            raise UserError(f"{option}: the path is too long for a socket; valid: {_PATH_BYTES_MAX} bytes")
        self._remove_dead(option)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        before = os.umask(0o177)  # from its first moment on, not after a chmod
        try:
            listener.bind(os.fspath(path))
            listener.listen(CLIENTS_MAX)
        except OSError as error:
            listener.close()
            raise UserError(f"{option}: {error.strerror}") from error
        finally:
            os.umask(before)
        listener.setblocking(False)
        self._inode = _inode_of(path)
        self._listener, self._selector = listener, selector
        selector.register(listener, selectors.EVENT_READ, self._accept)

    def beat(self) -> None:
        """Send states to subscribers, and forget clients that are gone."""
        for client in self._clients:
            client.beat()
        self._clients = [client for client in self._clients if not client.closed]

    def close(self) -> None:
        """Close all connections and remove the file, if it is still ours."""
        for client in self._clients:
            client.close()
        self._clients.clear()
        if self._listener is None:
            return
        if self._selector is not None:
            self._selector.unregister(self._listener)
        self._listener.close()
        self._listener = None
        with contextlib.suppress(OSError):
            if _inode_of(self._path) == self._inode:
                self._path.unlink()

    def _accept(self) -> None:
        if self._listener is None or self._selector is None:
            return
        try:
            connection, _ = self._listener.accept()
        except OSError:
            return  # gone again, or no descriptor left: those that are connected stay
        self._accepted += 1
        client = Client(connection, f"{self.name} #{self._accepted}", self._desk, self._state)
        if len([each for each in self._clients if not each.closed]) >= CLIENTS_MAX:
            client.refuse(f"there are {CLIENTS_MAX} clients already")
            return
        self._clients.append(client)
        client.open(self._selector, self._hello())

    def _hello(self) -> dict[str, Any]:
        briefing = self._briefing
        return {
            "hello": "sim2real",
            "robot": briefing.robot,
            "task": briefing.task,
            "commands": [command.model_dump() for command in briefing.commands],
        }

    def _remove_dead(self, option: str) -> None:
        try:
            kind = os.lstat(self._path).st_mode
        except FileNotFoundError:
            return
        except OSError as error:
            raise UserError(f"{option}: {error.strerror}") from error
        if not stat.S_ISSOCK(kind):
            raise UserError(f"{option}: is a file, not a socket; name another path")
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as attempt:
            try:
                attempt.connect(os.fspath(self._path))
            except ConnectionRefusedError:
                self._path.unlink()
                return
            except OSError as error:
                raise UserError(f"{option}: {error.strerror}") from error
        raise UserError(f"{option}: another program listens on it")


def _inode_of(path: Path) -> tuple[int, int]:
    status = os.lstat(path)
    return status.st_dev, status.st_ino
