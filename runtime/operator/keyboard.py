"""`Keyboard`: the terminal of the run as a device. Its settings are restored on every way out."""

import contextlib
import os
import selectors
import signal
import termios
from collections.abc import Sequence
from types import FrameType
from typing import Any, Final

from sim2real.configs.errors import UserError
from sim2real.runtime.contract.spec import CommandSpec
from sim2real.runtime.operator.desk import OperatorDesk
from sim2real.runtime.operator.key_map import KeyMap
from sim2real.runtime.operator.keys import KeyReader

_TERMINAL: Final = "/dev/tty"
_READ_BYTES: Final = 256
_LFLAG, _CC = 3, 6  # places in what `tcgetattr` returns


class Keyboard:
    """Implements `Device`. Keys come one by one and unseen; Ctrl-C still ends the run, Ctrl-Z does nothing."""

    name = "keyboard"

    def __init__(self, commands: Sequence[CommandSpec], desk: OperatorDesk) -> None:
        self._keys = KeyReader()
        self._map = KeyMap(commands, desk)
        self._terminal = -1
        self._before: list[Any] | None = None
        self._selector: selectors.BaseSelector | None = None

    def open(self, selector: selectors.BaseSelector) -> None:
        """Take the terminal. Raises UserError when there is none, or the run is in the background."""
        try:
            self._terminal = os.open(_TERMINAL, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC)
            foreground = os.tcgetpgrp(self._terminal) == os.getpgrp()
        except OSError as error:
            raise UserError("--operator keyboard: needs a terminal") from error
        if not foreground:
            raise UserError("--operator keyboard: the run is in the background; its terminal is another program's")
        self._before = termios.tcgetattr(self._terminal)
        self._set()
        termios.tcflush(self._terminal, termios.TCIFLUSH)  # what was typed before asks for nothing
        signal.signal(signal.SIGCONT, self._continued)
        self._selector = selector
        selector.register(self._terminal, selectors.EVENT_READ, self._read)

    def beat(self) -> None:
        """Nothing is due."""

    def close(self) -> None:
        """Restore the terminal."""
        if self._terminal < 0:
            return
        self._leave()
        if self._before is not None:
            with contextlib.suppress(termios.error):  # it has hung up
                termios.tcsetattr(self._terminal, termios.TCSANOW, self._before)
        os.close(self._terminal)
        self._terminal = -1

    def _set(self) -> None:
        settings = termios.tcgetattr(self._terminal)
        settings[_LFLAG] &= ~(termios.ICANON | termios.ECHO)
        # A loop that is suspended commands nothing while its motors hold: Ctrl-Z must not do that to it.
        settings[_CC][termios.VSUSP] = b"\0"
        settings[_CC][termios.VMIN], settings[_CC][termios.VTIME] = 1, 0
        termios.tcsetattr(self._terminal, termios.TCSANOW, settings)

    def _continued(self, _number: int, _frame: FrameType | None) -> None:
        """Take the terminal again after a suspension: the shell has put its own settings in place."""
        with contextlib.suppress(OSError, termios.error):
            if self._terminal >= 0 and os.tcgetpgrp(self._terminal) == os.getpgrp():
                self._set()

    def _read(self) -> None:
        try:
            data = os.read(self._terminal, _READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._leave()
            return
        for key in self._keys.feed(data):
            self._map.press(key)

    def _leave(self) -> None:
        """The terminal is gone: so are its commands."""
        if self._selector is not None:
            self._selector.unregister(self._terminal)
            self._selector = None
        self._map.leave()
