"""Ctrl-C during training: the first one stops after the current iteration, a second one at once."""

import signal
import threading
from types import FrameType, TracebackType
from typing import Self


class Interrupt:
    """Context manager that turns SIGINT into a flag; without effect outside the main thread."""

    def __init__(self) -> None:
        self.requested = False
        self._entered = False

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._previous = signal.signal(signal.SIGINT, self._request)
            self._entered = True
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._entered:
            signal.signal(signal.SIGINT, self._previous)
            self._entered = False

    def _request(self, number: int, frame: FrameType | None) -> None:
        self.requested = True
        signal.signal(signal.SIGINT, signal.default_int_handler)
