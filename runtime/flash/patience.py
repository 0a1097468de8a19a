"""A bound of the time that one waits for another program, which may hang."""

import threading
from collections.abc import Callable
from typing import Self


class Patience:
    """Calls a function when nothing has happened for a while.

    Args:
        seconds: The while, s.
        give_up: What is called then, once, from a thread of its own.
    """

    def __init__(self, seconds: float, give_up: Callable[[], None]) -> None:
        self._seconds, self._give_up = seconds, give_up
        self._timer: threading.Timer | None = None
        self.over = False
        """Whether it was called."""

    def __enter__(self) -> Self:
        """Begin to wait."""
        self.begin()
        return self

    def __exit__(self, *_: object) -> None:
        """Wait no longer."""
        if self._timer is not None:
            self._timer.cancel()

    def begin(self) -> None:
        """Begin the while again: something has happened."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = threading.Timer(self._seconds, self._end)
        self._timer.daemon = True
        self._timer.start()

    def _end(self) -> None:
        self.over = True
        self._give_up()
