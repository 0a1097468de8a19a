"""`Gamepad`: a gamepad as a device, read as Linux input events."""

import os
import selectors
import time
from collections.abc import Callable, Sequence
from typing import Final

from sim2real.configs.errors import UserError
from sim2real.runtime.contract.spec import CommandSpec
from sim2real.runtime.operator import input_event as linux
from sim2real.runtime.operator.desk import OperatorDesk

AXES: Final = (linux.ABS_Y, linux.ABS_X, linux.ABS_RX)
"""Of the first three commands: left stick forward, left stick left, right stick left; Linux counts the other way."""
HOLD: Final = linux.BTN_TL
"""Commands, and signs of life, last as long as this button is held."""

_READ_BYTES: Final = 64 * linux.EVENT.size
_RETRY_NS: Final = 1_000_000_000


class Gamepad:
    """Implements `Device`.

    The left shoulder button is the dead-man: while it is held the sticks command and the gamepad is alive. When it is
    let go, or the gamepad is gone, its commands are taken back. East (B, circle) is the emergency stop, west (X,
    square) ends the run, start starts, select resets; these need no other button. One that comes back is opened again.

    Args:
        commands: Operator commands of the policy.
        desk: Where requests are handed in.
        path: Device file; the first gamepad there is when empty.
        now: Monotonic ns.
    """

    def __init__(
        self,
        commands: Sequence[CommandSpec],
        desk: OperatorDesk,
        path: str = "",
        now: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self.name = f"gamepad {path}".strip()
        self._commands = tuple(commands)
        self._desk = desk
        self._path = path
        self._now = now
        self._descriptor = -1
        self._selector: selectors.BaseSelector | None = None
        self._retry_ns = 0
        self._rest = b""
        self._axes: dict[int, linux.Axis] = {}
        self._sticks: dict[int, float] = {}
        self._held = self._dropped = False

    def open(self, selector: selectors.BaseSelector) -> None:
        """Open the gamepad. Raises UserError when there is none, or it may not be read."""
        if not self._path:
            found = next(linux.gamepads(), None)
            if found is None:
                raise UserError(
                    "--operator gamepad: none is connected that this user may read; see the group of /dev/input/event*"
                )
            self._path = found
        self._selector = selector
        try:
            self._connect()
        except OSError as error:
            raise UserError(f"--operator gamepad: {self._path}: {error.strerror}") from error

    def beat(self) -> None:
        """Renew the sign of life while the button is held; look for a gamepad that is gone."""
        if self._descriptor < 0:
            self._reconnect()
        elif self._held:
            self._desk.alive(self.name)

    def close(self) -> None:
        """Close the device file."""
        self._lose()
        self._selector = None

    def take(self, event: linux.Event) -> None:
        """Take one event."""
        if event.kind == linux.EV_SYN:
            self._synchronise(event.code)
        elif self._dropped:
            return  # the rest of a report that is not whole
        elif event.kind == linux.EV_ABS and event.code in AXES:
            self._sticks[event.code] = -self._axes.get(event.code, linux.STICK).scaled(event.value)
        elif event.kind == linux.EV_KEY:
            self._press(event.code, event.value)

    def _synchronise(self, code: int) -> None:
        if code == linux.SYN_DROPPED:
            # Events are lost: nobody knows what is held. The button has to be pressed again.
            self._dropped = True
            self._let_go()
        elif code == linux.SYN_REPORT:
            self._dropped = False
            if self._held:
                self._command()

    def _press(self, button: int, value: int) -> None:
        desk = self._desk
        if button == HOLD:
            if value == 0:
                self._let_go()
            else:
                self._held = True
        elif value != 1:
            return  # let go, or held on
        elif button == linux.BTN_EAST:
            desk.emergency_stop()
        elif button == linux.BTN_WEST:
            desk.stop()
        elif button == linux.BTN_SELECT:
            desk.reset()
        elif button == linux.BTN_START:
            desk.start(self.name)

    def _command(self) -> None:
        values = {}
        for command, axis in zip(self._commands, AXES, strict=False):
            stick = self._sticks.get(axis, 0.0)
            end = command.high if stick > 0 else command.low
            value = command.default + abs(stick) * (end - command.default)
            values[command.name] = min(max(value, command.low), command.high)
        self._desk.give(self.name, values)

    def _let_go(self) -> None:
        self._held = False
        self._desk.left(self.name)

    def _connect(self) -> None:
        descriptor = os.open(self._path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        self._axes = {code: linux.axis_of(descriptor, code) for code in AXES}
        self._sticks.clear()
        self._rest, self._held, self._dropped = b"", False, False
        self._descriptor = descriptor
        if self._selector is not None:
            self._selector.register(descriptor, selectors.EVENT_READ, self._read)

    def _reconnect(self) -> None:
        now_ns = self._now()
        if self._selector is None or now_ns < self._retry_ns:
            return
        self._retry_ns = now_ns + _RETRY_NS
        try:
            self._connect()
        except OSError:
            return

    def _read(self) -> None:
        try:
            data = os.read(self._descriptor, _READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._lose()
            return
        events, self._rest = linux.decode(self._rest + data)
        for event in events:
            self.take(event)

    def _lose(self) -> None:
        if self._descriptor < 0:
            return
        if self._selector is not None:
            self._selector.unregister(self._descriptor)
        os.close(self._descriptor)
        self._descriptor = -1
        self._retry_ns = self._now() + _RETRY_NS
        self._let_go()
