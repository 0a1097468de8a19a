"""`Panel`: the browser panel as a device, on this machine's loopback address only."""

import json
import secrets
import selectors
import threading
import time
from http.server import ThreadingHTTPServer
from socket import socket
from typing import Any, Final

from sim2real.configs.errors import UserError
from sim2real.runtime.operator.desk import OperatorDesk
from sim2real.runtime.operator.panel_handler import PanelHandler
from sim2real.runtime.operator.run_state import RunState

HOST: Final = "127.0.0.1"
CONNECTIONS_MAX: Final = 32
"""More are closed at once: each has a thread."""

_PERIOD_S: Final = 0.1  # of states to the pages
_TOKEN_BYTES: Final = 24
_NEWS_TIMEOUT_S: Final = 1.0  # a page that is gone is noticed this soon, even when nothing new is there to be sent
_END_TIMEOUT_S: Final = 0.3


class PanelServer(ThreadingHTTPServer):
    """Serves the page, its events and its requests, each connection in a thread of its own."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = CONNECTIONS_MAX

    def __init__(self, port: int, desk: OperatorDesk, token: str) -> None:
        self.desk = desk
        self.token = token
        self.closing = False
        """Whether the run has ended."""
        self.pages: set[str] = set()
        """Names of the pages whose events are open."""
        self._news = threading.Condition()
        self._snapshot, self._number = b"", 0
        self._free = threading.BoundedSemaphore(CONNECTIONS_MAX)
        super().__init__((HOST, port), PanelHandler)

    def process_request(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - the library's own types
        """Serve a connection, or close it when there are too many."""
        if not self._free.acquire(blocking=False):
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:  # noqa: ANN401
        """Serve a connection in its thread."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: socket | tuple[bytes, socket], client_address: Any) -> None:  # noqa: ANN401
        """A connection that breaks is a page that was closed: nothing is said."""

    def publish(self, snapshot: bytes) -> None:
        """Send a state, JSON, to every page."""
        with self._news:
            self._snapshot = snapshot
            self._number += 1
            self._news.notify_all()

    def next_after(self, number: int) -> tuple[int, bytes]:
        """Return the newest state and its number, as soon as there is one after that number; after a second anyway."""
        with self._news:
            self._news.wait_for(lambda: self._number != number or self.closing, _NEWS_TIMEOUT_S)
            return self._number, self._snapshot

    def end(self) -> None:
        """Tell the pages that the run has ended, and stop listening."""
        with self._news:
            self.closing = True
            self._news.notify_all()
        deadline = time.monotonic() + _END_TIMEOUT_S
        while self.pages and time.monotonic() < deadline:
            time.sleep(0.01)
        self.shutdown()
        self.server_close()


class Panel:
    """Implements `Device`. Opening it, or its page, moves nothing.

    Args:
        port: 0 for any free one.
        desk: Where requests are handed in.
        state: What the pages show.
    """

    name = "panel"

    def __init__(self, port: int, desk: OperatorDesk, state: RunState) -> None:
        self._port = port
        self._desk = desk
        self._state = state
        self._token = secrets.token_urlsafe(_TOKEN_BYTES)
        self._server: PanelServer | None = None
        self._due = 0.0

    @property
    def url(self) -> str:
        """Address of the page with its token; known once it is open."""
        port = self._port if self._server is None else self._server.server_port
        return f"http://{HOST}:{port}/?token={self._token}"

    def open(self, selector: selectors.BaseSelector) -> None:
        """Listen, in threads: a browser that dawdles delays no other device. Raises UserError."""
        try:
            self._server = PanelServer(self._port, self._desk, self._token)
        except (OSError, OverflowError) as error:
            why = error.strerror if isinstance(error, OSError) else "valid: 1 to 65535, 0 for any free one"
            raise UserError(f"--panel-port {self._port}: {why}") from error
        threading.Thread(target=self._server.serve_forever, args=(0.1,), name="panel", daemon=True).start()

    def beat(self) -> None:
        """Publish the state when it is due."""
        now = time.monotonic()
        if self._server is None or now < self._due:
            return
        self._due = now + _PERIOD_S
        briefing, desk = self._state.briefing, self._desk
        document = self._state.document() | {
            "robot": briefing.robot,
            "task": briefing.task,
            "control_rate_hz": briefing.control_rate,
            "temperature_max": briefing.temperature_max,
            "waits": briefing.waits,
            "ranges": {command.name: [command.low, command.high, command.default] for command in briefing.commands},
            "in_command": desk.in_command,
        }
        self._server.publish(json.dumps(document, allow_nan=False).encode())

    def close(self) -> None:
        """Stop listening."""
        server, self._server = self._server, None
        if server is not None:
            server.end()
