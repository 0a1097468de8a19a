"""The orders of `sim2real hand` as JSON: from the control socket to the hands of an emulator, and the client's end."""

import json
import socket
import time
from collections.abc import Callable, Mapping
from inspect import signature
from pathlib import Path
from typing import Any, Final

from sim2real.configs.errors import UserError
from sim2real.hardware.emulator.hands import ALL, SPEED, Hands

_TIMEOUT_S = 10.0  # an emulator answers within milliseconds, on a busy machine later
_POLL_S = 0.02

WARNINGS: Final = "warnings"
"""An order besides those of the hands: what the emulator has to say about the machine, now."""

_DO: Final[Mapping[str, Callable[..., None]]] = {
    "move": Hands.move,
    "hold": Hands.hold,
    "release": Hands.release,
    "load": Hands.load,
    "connect": Hands.connect,
    "disconnect": Hands.disconnect,
    "plug": Hands.plug,
    "unplug": Hands.unplug,
}


def obey(hands: Hands, order: Mapping[str, Any]) -> dict[str, Any]:
    """Carry out one order, `{"do": "move", "joint": "elbow", "angle": 0.5}`; return the state.

    Raises:
        UserError: There is no such order, joint or port, or an argument is missing or invalid.
    """
    name = order.get("do")
    arguments = {key: value for key, value in order.items() if key != "do"}
    if name != "state":
        if not isinstance(name, str) or name not in _DO:
            raise UserError(f"no order {name!r}; valid: state, {', '.join(_DO)}")
        for key, value in arguments.items():
            wanted = str if key in ("joint", "port") else (int, float)
            if not isinstance(value, wanted) or isinstance(value, bool):
                raise UserError(f"{name}: {key} is {value!r}")
        try:
            signature(_DO[name]).bind(hands, **arguments)
        except TypeError as error:
            raise UserError(f"{name}: {error}") from error
        _DO[name](hands, **arguments)
    return hands.state() | {"arrived": hands.arrived()}


class HandClient:
    """Hands at an emulator in another process; the methods are those of `Hands`, in rad, rad/s and N·m."""

    def __init__(self, path: str | Path, timeout: float = _TIMEOUT_S) -> None:
        """Prepare; nothing is sent.

        Args:
            path: Socket of `sim2real emulate --control`.
            timeout: s to wait for an answer.
        """
        self._path = str(path)
        self._timeout = timeout

    def move(self, joint: str, angle: float, speed: float = SPEED, *, wait: bool = True) -> None:
        """Take a joint to an angle (rad) at a speed (rad/s) and hold it there; return when it has arrived."""
        self.order("move", joint=joint, angle=angle, speed=speed)
        while wait and not self.order("state")["arrived"]:
            time.sleep(_POLL_S)

    def hold(self, joint: str = ALL) -> None:
        """Hold a joint where it is."""
        self.order("hold", joint=joint)

    def release(self, joint: str = ALL) -> None:
        """Let go of a joint, and take away its load."""
        self.order("release", joint=joint)

    def load(self, joint: str, effort: float) -> None:
        """Load a joint with a torque, N·m."""
        self.order("load", joint=joint, effort=effort)

    def connect(self, joint: str = ALL) -> None:
        """Plug the cable of a joint's motor in: it powers up."""
        self.order("connect", joint=joint)

    def disconnect(self, joint: str = ALL) -> None:
        """Pull the cable of a joint's motor."""
        self.order("disconnect", joint=joint)

    def plug(self, port: str = ALL) -> None:
        """Plug the adapter of a bus or an IMU in."""
        self.order("plug", port=port)

    def unplug(self, port: str = ALL) -> None:
        """Unplug the adapter of a bus or an IMU."""
        self.order("unplug", port=port)

    def state(self) -> dict[str, Any]:
        """Return angles (rad), torque, cables and adapters."""
        return self.order("state")

    def warnings(self) -> list[str]:
        """Return whether it cannot keep up with real time or was starved, up to this moment."""
        lines: list[str] = self.order(WARNINGS)["warnings"]
        return lines

    def order(self, do: str, **arguments: object) -> dict[str, Any]:
        """Give one order; return the answer.

        Raises:
            UserError: It is refused, or no emulator serves the socket.
        """
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
                connection.settimeout(self._timeout)
                connection.connect(self._path)
                connection.sendall(json.dumps({"do": do} | arguments).encode() + b"\n")
                with connection.makefile("rb") as file:
                    answer: dict[str, Any] = json.loads(file.readline() or b"{}")
        except (OSError, ValueError) as error:
            raise UserError(f"{self._path}: no emulator answers ({error}): start one with --control") from error
        if not answer.get("ok"):
            raise UserError("; ".join(answer.get("reasons", ["the emulator has ended"])))
        return answer
