"""Ctrl-C at a moment at which Python, or a module in C, makes something else of it."""

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.machinery import ExtensionFileLoader
from types import FrameType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

_AGAIN_S: Final = 0.02  # until the finaliser that swallowed it has returned, or the module is imported
_INITIALISERS: Final = (ExtensionFileLoader.create_module.__code__, ExtensionFileLoader.exec_module.__code__)


@contextmanager
def ctrl_c_is_heard() -> Iterator[list[int]]:
    """See to it that Ctrl-C ends the block, whatever runs when it is pressed; gives a list that then is not empty.

    An exception in a finaliser, or in a callback of the garbage collector, is printed and forgotten by Python: one that
    Ctrl-C raised there is raised once more, a moment later. While a module in C is imported it waits: some end the
    process. What another makes of it, an exception of another kind, is told from a fault by the list. A handler of the
    caller's own stays; the block's own parts may set theirs.
    """
    pressed: list[int] = []
    waiting: list[threading.Timer] = []
    report = sys.unraisablehook

    def again() -> None:
        main = threading.main_thread().ident or 0
        waiting.append(threading.Timer(_AGAIN_S, signal.pthread_kill, (main, signal.SIGINT)))
        waiting[-1].start()

    def interrupt(number: int, frame: FrameType | None) -> None:
        pressed.append(number)
        if _imports_c(frame):
            again()
        else:
            signal.default_int_handler(number, frame)

    def lost(what: "UnraisableHookArgs") -> None:
        if issubclass(what.exc_type, KeyboardInterrupt):
            again()
        else:
            report(what)

    ours = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if ours:
        signal.signal(signal.SIGINT, interrupt)
    sys.unraisablehook = lost
    try:
        yield pressed
    finally:
        for timer in waiting:
            timer.cancel()  # what it was to end has ended
        if sys.unraisablehook is lost:
            sys.unraisablehook = report
        if ours and signal.getsignal(signal.SIGINT) is interrupt:
            signal.signal(signal.SIGINT, signal.default_int_handler)


def _imports_c(frame: FrameType | None) -> bool:
    """Return whether a module in C is being initialised in this frame or in one of its callers."""
    while frame is not None:
        if frame.f_code in _INITIALISERS:
            return True
        frame = frame.f_back
    return False
