"""`Client`: one connection to the operator's socket."""

import json
import selectors
import socket
import time
from collections.abc import Callable
from typing import Any, Final

from sim2real.runtime.operator.desk import OperatorDesk
from sim2real.runtime.operator.refusal import RefusedError
from sim2real.runtime.operator.request import LINE_BYTES_MAX, Request, parse_request

_READ_BYTES: Final = 16 * 1024
_LINES_A_ROUND: Final = 32
"""Requests served before other devices have their turn: one that floods must not hold up the stop of another."""

_UNSENT_BYTES_MAX: Final = 1 << 20  # a client that asks and never reads gets no more answers


class Client:
    """Reads requests, one a line, and answers each with one line. Nothing here blocks.

    A client that does not read gets no further states until it has. Its requests are served all the same, and so are
    those of one that has gone right after it sent them: the last may be a stop. One that sends more than can be served
    waits, and nobody else.

    Args:
        connection: Taken over, and closed at the end.
        name: Its name at the desk; no other client's.
        desk: Where requests are handed in.
        state: The state of the run as plain data.
        now: Monotonic ns.
    """

    def __init__(
        self,
        connection: socket.socket,
        name: str,
        desk: OperatorDesk,
        state: Callable[[], dict[str, Any]],
        now: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        connection.setblocking(False)
        self.name = name
        self.closed = False
        self._deaf = False
        self._connection = connection
        self._desk = desk
        self._state = state
        self._now = now
        self._selector: selectors.BaseSelector | None = None
        self._received = b""
        self._unsent = bytearray()
        self._period_ns: int | None = None
        self._due_ns = 0

    def open(self, selector: selectors.BaseSelector, hello: dict[str, Any]) -> None:
        """Serve it from now on."""
        self._selector = selector
        selector.register(self._connection, selectors.EVENT_READ, self._read)
        self._send(hello)

    def refuse(self, why: str) -> None:
        """Tell it why, and close."""
        self._send(_error(why))
        self.close()

    def beat(self) -> None:
        """Send what is left, and a state where one is due."""
        if self._has_line:
            self._serve()
        if self.closed:
            return
        self._flush()
        now_ns = self._now()
        if self._deaf or self._period_ns is None or self._unsent or now_ns < self._due_ns:
            return
        self._due_ns = max(self._due_ns + self._period_ns, now_ns)
        self._send({"state": self._state()})

    def close(self) -> None:
        """Close the connection; the client's commands are taken back."""
        if self.closed:
            return
        self.closed = True
        if self._selector is not None:
            self._selector.unregister(self._connection)
        self._connection.close()
        self._desk.left(self.name)

    @property
    def _has_line(self) -> bool:
        """Whether a whole line waits to be served."""
        return b"\n" in self._received

    def _read(self) -> None:
        if not self._has_line and not self._receive():
            self.close()
        elif not self.closed:
            self._serve()

    def _receive(self) -> bool:
        """Take what has arrived; return whether the client is still there."""
        try:
            data = self._connection.recv(_READ_BYTES)
        except BlockingIOError:
            return True
        except OSError:
            return False
        self._received += data
        return bool(data)

    def _serve(self) -> None:
        """Serve some of the lines that have arrived."""
        *lines, self._received = self._received.split(b"\n", _LINES_A_ROUND)
        for line in lines:
            if len(line) > LINE_BYTES_MAX:
                self._too_long()
                return
            if line.strip():
                self._send(self._answer(line))
        if len(self._received) > LINE_BYTES_MAX and not self._has_line:
            self._too_long()

    def _too_long(self) -> None:
        self.refuse(f"a line is too long; valid: {LINE_BYTES_MAX} bytes")

    def _answer(self, line: bytes) -> dict[str, Any]:
        try:
            return self._do(parse_request(line))
        except RefusedError as error:
            return _error(str(error))

    def _do(self, request: Request) -> dict[str, Any]:
        if request.do == "subscribe":
            self._period_ns = round(1e9 / request.rate) if request.rate > 0.0 else None
            self._due_ns = self._now()
        return self._desk.obey(self.name, request)

    def _send(self, document: dict[str, Any]) -> None:
        if self._deaf:
            return
        self._unsent += json.dumps(document, allow_nan=False).encode() + b"\n"
        self._flush()
        if len(self._unsent) > _UNSENT_BYTES_MAX:
            self._give_up()

    def _flush(self) -> None:
        while self._unsent:
            try:
                count = self._connection.send(self._unsent)
            except BlockingIOError:
                return
            except OSError:
                self._give_up()
                return
            del self._unsent[:count]

    def _give_up(self) -> None:
        """Send nothing more; what the client has sent is still read, to its end."""
        self._deaf = True
        self._unsent.clear()


def _error(text: str) -> dict[str, Any]:
    return {"ok": False, "error": text}
