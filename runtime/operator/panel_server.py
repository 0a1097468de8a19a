"""`PanelServer`: serves the panel's page, its events and its requests, on this machine's loopback address only."""

import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import socket
from typing import Any, Final

from sim2real.runtime.operator.desk import OperatorDesk

HOST: Final = "127.0.0.1"
CONNECTIONS_MAX: Final = 32
"""More are closed at once: each has a thread."""

_NEWS_TIMEOUT_S: Final = 1.0  # a page that is gone is noticed this soon, even when nothing new is there to be sent
_END_TIMEOUT_S: Final = 0.3


class PanelServer(ThreadingHTTPServer):
    """Serves the page, its events and its requests, each connection in a thread of its own."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = CONNECTIONS_MAX

    def __init__(self, port: int, desk: OperatorDesk, token: str, handler: type[BaseHTTPRequestHandler]) -> None:
        self.desk = desk
        self.token = token
        self.closing = False
        """Whether the run has ended."""
        self.pages: set[str] = set()
        """Names of the pages whose events are open."""
        self._news = threading.Condition()
        self._snapshot, self._number = b"", 0
        self._free = threading.BoundedSemaphore(CONNECTIONS_MAX)
        super().__init__((HOST, port), handler)

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
