"""A Unix socket on which an emulator takes orders: one JSON object a line, one answer a line."""

import json
import os
import socket
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from sim2real.configs.errors import UserError

_CONNECTIONS_MAX: Final = 16
_LINE_MAX: Final = 4096  # bytes; an order is a few dozen
_READS_MAX: Final = 8  # of one connection, before the motors' wire has its turn again


class ControlSocket:
    """Serves a socket without a thread: call `attend` when one of its descriptors is readable."""

    def __init__(self, path: Path, answer: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
        """Listen; only this user may connect.

        Args:
            path: The socket. One that nobody serves any more is replaced.
            answer: Called with each order. A UserError becomes `{"ok": false, "reasons": [...]}`.

        Raises:
            UserError: Something else is there, another emulator serves it, or it cannot be made.
        """
        self.path = path
        self._answer = answer
        self._connections: dict[socket.socket, bytes] = {}
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        try:
            _make_room(path)
            before = os.umask(0o177)
            try:
                self._listener.bind(str(path))
            finally:
                os.umask(before)
            self._listener.listen(_CONNECTIONS_MAX)
        except OSError as error:
            self._listener.close()
            raise UserError(f"--control {path}: {error.strerror or error}") from error
        except UserError:
            self._listener.close()
            raise

    @property
    def descriptors(self) -> tuple[int, ...]:
        """File descriptors to wait for."""
        return (self._listener.fileno(), *(connection.fileno() for connection in self._connections))

    def attend(self) -> None:
        """Accept connections and answer orders; waits for nothing."""
        while len(self._connections) < _CONNECTIONS_MAX:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                break
            connection.setblocking(False)
            self._connections[connection] = b""
        for connection in list(self._connections):
            self._serve(connection)

    def close(self) -> None:
        """End; never raises."""
        for connection in (*self._connections, self._listener):
            connection.close()
        self._connections.clear()
        self.path.unlink(missing_ok=True)

    def _serve(self, connection: socket.socket) -> None:
        for _ in range(_READS_MAX):
            try:
                heard = connection.recv(_LINE_MAX)
            except BlockingIOError:
                return
            except OSError:
                heard = b""
            if not heard or len(self._connections[connection]) > _LINE_MAX:
                self._connections.pop(connection)
                connection.close()
                return
            *lines, self._connections[connection] = (self._connections[connection] + heard).split(b"\n")
            for line in lines:
                try:
                    connection.send(json.dumps(self._reply(line)).encode() + b"\n")
                except OSError:
                    break  # it is gone, or does not read: the next read shows it

    def _reply(self, line: bytes) -> dict[str, Any]:
        try:
            order = json.loads(line)
            if not isinstance(order, dict):
                raise UserError("an order is a JSON object")
            return {"ok": True} | self._answer(order)
        except (UserError, ValueError) as error:
            return {"ok": False, "reasons": [str(error)]}


def _make_room(path: Path) -> None:
    """Remove a socket that nobody serves. Raises UserError if something else is there."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise UserError(f"--control {path}: there is a file of that name, and it is no socket")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            path.unlink(missing_ok=True)
            return
    raise UserError(f"--control {path}: another emulator serves it")
