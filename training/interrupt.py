"""Ctrl-C during training: the first one stops after the current iteration, a second one at once."""

import signal
import threading
from types import FrameType, TracebackType
from typing import Any, Final, Self

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Ctrl-C, the end of a container or a batch job, a closed terminal: all of them save what was learned."""


class Interrupt:
    """Context manager that turns the signals that end a program into a flag; without effect outside the main thread.

    A closed terminal stays ignored where the program was started to ignore it, as `nohup` does.

    Args:
        patient: Never stop at once: torchrun passes on the signal that a terminal has sent to all processes anyway.
            After an error the signals stay a flag, until the process has ended by it.
    """

    def __init__(self, *, patient: bool = False) -> None:
        self.requested = False
        self._patient = patient
        self._previous: dict[int, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number in _SIGNALS:
                if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
                    self._previous[number] = signal.signal(number, self._request)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._patient and error is not None:
            return  # torchrun ends the others of one that failed: its signal must not cut off what this one says
        for number, handler in self._previous.items():
            signal.signal(number, handler)
        self._previous.clear()

    def _request(self, number: int, frame: FrameType | None) -> None:
        """Stop after this iteration; at a second signal, whichever it is, at once."""
        if self.requested and not self._patient:
            raise KeyboardInterrupt
        self.requested = True
