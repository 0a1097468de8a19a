"""`PanelServer`: serves the panel's page, its events and its requests, on this machine's loopback address only."""

import contextlib
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import SHUT_RDWR, socket
from typing import Any, Final

from sim2real.runtime.operator.desk import OperatorDesk

HOST: Final = "127.0.0.1"
CONNECTIONS_MAX: Final = 32
"""Each has a thread. One more takes the place of the oldest that has not shown the token, or is closed at once."""

_NEWS_TIMEOUT_S: Final = 1.0  # a page that is gone is noticed this soon, even when nothing new is there to be sent
_END_TIMEOUT_S: Final = 0.3
_PLACE_TIMEOUT_S: Final = 0.2  # until the thread of a connection that was dropped has ended


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
        self._strangers: dict[Any, None] = {}  # connections without the token so far, the oldest first
        self._strangers_lock = threading.Lock()
        super().__init__((HOST, port), handler)

    def process_request(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - the library's own types
        """Serve a connection, or close it when there are too many that have shown the token."""
        if not self._free.acquire(blocking=False):
            self._drop_stranger()
            if not self._free.acquire(timeout=_PLACE_TIMEOUT_S):
                self.shutdown_request(request)
                return
        with self._strangers_lock:
            self._strangers[request] = None
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:  # noqa: ANN401
        """Serve a connection in its thread."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self.trust(request)
            self._free.release()

    def trust(self, request: Any) -> None:  # noqa: ANN401
        """Keep the place of a connection: it has shown the token."""
        with self._strangers_lock:
            self._strangers.pop(request, None)

    def handle_error(self, request: socket | tuple[bytes, socket], client_address: Any) -> None:  # noqa: ANN401
        """A connection that breaks is a page that was closed: nothing is said."""

    def _drop_stranger(self) -> None:
        """End the oldest connection that has not shown the token: it may keep out somebody who wants to stop."""
        with self._strangers_lock:
            oldest = next(iter(self._strangers), None)
            if oldest is not None:
                del self._strangers[oldest]
                with contextlib.suppress(OSError):
                    oldest.shutdown(SHUT_RDWR)

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
