"""Ctrl-C at a moment at which Python, or a module in C, makes something else of it."""

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

_AGAIN_S: Final = 0.02  # until the finaliser that swallowed it has returned


@contextmanager
def ctrl_c_is_heard() -> Iterator[list[int]]:
    """See to it that Ctrl-C ends the block, whatever runs when it is pressed; gives a list that then is not empty.

    An exception in a finaliser, or in a callback of the garbage collector, is printed and forgotten by Python: one that
    Ctrl-C raised there is raised once more, a moment later. What a module in C makes of it, an exception of another
    kind, is told from a fault by the list. A handler of the caller's own stays; the block's own parts may set theirs.
    """
    pressed: list[int] = []
    report = sys.unraisablehook

    def interrupt(number: int, frame: FrameType | None) -> None:
        pressed.append(number)
        signal.default_int_handler(number, frame)

    def again(lost: "UnraisableHookArgs") -> None:
        if issubclass(lost.exc_type, KeyboardInterrupt):
            main = threading.main_thread().ident or 0
            threading.Timer(_AGAIN_S, signal.pthread_kill, (main, signal.SIGINT)).start()
        else:
            report(lost)

    ours = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if ours:
        signal.signal(signal.SIGINT, interrupt)
    sys.unraisablehook = again
    try:
        yield pressed
    finally:
        if sys.unraisablehook is again:
            sys.unraisablehook = report
        if ours and signal.getsignal(signal.SIGINT) is interrupt:
            signal.signal(signal.SIGINT, signal.default_int_handler)
