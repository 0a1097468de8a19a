"""`Panel`: the browser panel as a device, on this machine's loopback address only."""

import json
import secrets
import selectors
import threading
import time
from typing import Final

from sim2real.configs.errors import UserError
from sim2real.runtime.operator.desk import OperatorDesk
from sim2real.runtime.operator.panel_handler import PanelHandler
from sim2real.runtime.operator.panel_server import HOST, PanelServer
from sim2real.runtime.operator.run_state import RunState

_PERIOD_S: Final = 0.1  # of states to the pages
_TOKEN_BYTES: Final = 24


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
            self._server = PanelServer(self._port, self._desk, self._token, PanelHandler)
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
