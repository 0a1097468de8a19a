"""The request to end a run: a flag that signals set, so that nothing interrupts the way to torque off."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_STOP = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGTSTP)  # Ctrl-Z: a suspended loop commands nothing
_EMERGENCY = signal.SIGQUIT  # Ctrl-\\ on the terminal


class StopRequest:
    """The request to end a run."""

    def __init__(self) -> None:
        self.cause = ""
        """The signal or event behind the request; empty while there is none."""
        self.emergency = False
        """Whether it is an emergency stop."""
        self.ending = False
        """Whether the run is to end; an operator's emergency stop alone waits for a reset."""
        self.count = 0
        """How often an end was requested: a second request also ends what the first one left to do in order."""

        self.signalled = False
        """Whether a signal requested it."""

    def stop(self, cause: str) -> None:
        """Request the end of the run after the current tick; the first cause stays."""
        self.count += 1
        self.ending = True
        self.cause = self.cause or cause

    def emergency_stop(self, cause: str, *, ending: bool = True) -> None:
        """Request torque off at the next tick, latched; `ending` is False where an operator may reset it."""
        self.emergency = True
        self.ending = self.ending or ending
        self.count += 1
        self.cause = self.cause or cause

    def reset(self) -> None:
        """Forget an emergency stop that the operator has reset; a request for the end of the run stays."""
        if not self.ending:
            self.emergency, self.cause = False, ""

    def handle(self, number: int, _frame: FrameType | None) -> None:
        """Take a signal, as its handler."""
        name = signal.Signals(number).name
        self.signalled = True
        if number == _EMERGENCY:
            self.emergency_stop(name)
        else:
            self.stop(name)

    def raise_if_signalled(self) -> None:
        """Raise KeyboardInterrupt if a signal ended the run: for a caller whose result needs the whole of it."""
        if self.signalled:
            raise KeyboardInterrupt


@contextmanager
def stop_on_signals(stop: StopRequest) -> Iterator[None]:
    """Let SIGINT, SIGTERM, SIGHUP and SIGTSTP set the flag, SIGQUIT the emergency stop, instead of raising anywhere.

    A second Ctrl-C sets the flag again and does nothing else: torque off is already on its way. Outside the main thread
    Python takes no signal handlers, and nothing is changed.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, stop.handle) for number in (*_STOP, _EMERGENCY)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
