"""`PanelHandler`: one request to the panel: its page, its events, or something asked for."""

import json
import re
import secrets
from functools import cache
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from sim2real.runtime.operator.panel_guard import refusal
from sim2real.runtime.operator.panel_server import PanelServer
from sim2real.runtime.operator.refusal import RefusedError
from sim2real.runtime.operator.request import LINE_BYTES_MAX, Request, parse_request

_PAGE: Final = Path(__file__).with_name("panel_page.html")
_NONCE: Final = "NONCE"
_NAME: Final = re.compile(r"[0-9a-f]{16}")
_FROM_ANYONE: Final = ("estop", "stop", "reset")
_IDLE_S: Final = 15.0  # a connection that says nothing gives its thread back

_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_POLICY: Final = (
    "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; connect-src 'self'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


class PanelHandler(BaseHTTPRequestHandler):
    """Everything needs the token, a look as well; what changes anything needs more: see `panel_guard`."""

    server: PanelServer
    protocol_version = "HTTP/1.1"
    server_version = "sim2real"
    sys_version = ""
    timeout = _IDLE_S

    def do_GET(self) -> None:
        """The page, or its events."""
        address = urlsplit(self.path)
        if why := self._refusal(address.query, changes=False):
            self._refuse(403, why)
        elif address.path == "/":
            self._page()
        elif address.path == "/events":
            self._events(parse_qs(address.query).get("page", [""])[0])
        else:
            self._refuse(404, "there is no such page")

    def do_POST(self) -> None:
        """Something asked for: a request of the socket's protocol as JSON."""
        body = self._body()
        if why := self._refusal("", changes=True):
            self._refuse(403, why)
        elif body is None:
            self._refuse(413, f"the body must have a length of up to {LINE_BYTES_MAX} bytes")
        elif self.path != "/do":
            self._refuse(404, "there is no such page")
        else:
            self._answer(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002, ANN401 - the library's own names
        """Nothing is logged: the addresses hold the token."""

    def _refusal(self, query: str, *, changes: bool) -> str:
        """Return why the request is refused; a connection whose request is not keeps its place."""
        why = refusal(self.headers, query, self.server.token, changes=changes)
        if not why:
            self.server.trust(self.connection)
        return why

    def _body(self) -> bytes | None:
        length = self.headers.get("Content-Length") or ""
        if not length.isascii() or not length.isdecimal() or int(length) > LINE_BYTES_MAX:
            self.close_connection = True
            return None
        return self.rfile.read(int(length))

    def _answer(self, body: bytes) -> None:
        page = self.headers.get("X-Page") or ""
        try:
            self._json(200, self._do(parse_request(body), f"panel {page}", known=page in self.server.pages))
        except RefusedError as error:
            self._refuse(400, str(error))

    def _do(self, request: Request, name: str, *, known: bool) -> dict[str, Any]:
        if not known and request.do not in _FROM_ANYONE:
            # What it asks for is taken back when its events end: so they must be open.
            raise RefusedError(f"{request.do}: the page is not connected; open /events first")
        if request.do == "subscribe":
            raise RefusedError(f"{request.do}: states come by /events")
        return self.server.desk.obey(name, request)

    def _page(self) -> None:
        nonce = secrets.token_urlsafe(16)
        body = _page_text().replace(_NONCE, nonce).encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Security-Policy", _POLICY.format(nonce=nonce))
        self._end_headers()
        self.wfile.write(body)

    def _events(self, page: str) -> None:
        """Send states as they come until the page closes; then what it commanded is taken back."""
        server = self.server
        if not _NAME.fullmatch(page) or page in server.pages:
            self._refuse(400, "page: must be a name of 16 hexadecimal digits that no other page has")
            return
        self.close_connection = True
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self._end_headers()
        server.pages.add(page)
        try:
            seen = -1
            while not server.closing:
                seen, snapshot = server.next_after(seen)
                self.wfile.write(b"data: " + snapshot + b"\n\n" if snapshot else b":\n\n")
            self.wfile.write(b"event: end\ndata: {}\n\n")
        finally:
            server.pages.discard(page)
            server.desk.left(f"panel {page}")

    def _refuse(self, status: int, why: str) -> None:
        self.close_connection = True
        self._json(status, {"ok": False, "error": why})

    def _json(self, status: int, document: dict[str, Any]) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
        self._end_headers()
        self.wfile.write(body)

    def _end_headers(self) -> None:
        for name, value in _HEADERS.items():
            self.send_header(name, value)
        self.end_headers()


@cache
def _page_text() -> str:
    return _PAGE.read_text(encoding="utf-8")
