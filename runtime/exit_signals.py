"""Signals that would end the process without its cleanup, while a robot is open in it."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

from sim2real.hardware.held_signals import ENDING

_SHELL_OFFSET: Final = 128  # exit status of a process that a signal ended, as shells have it


@contextmanager
def exit_on_signals() -> Iterator[None]:
    """Let SIGTERM, SIGHUP and SIGQUIT raise SystemExit in the block, so that cleanup runs.

    A handler of the user's own stays, and so does a signal that is ignored. Outside the main thread Python takes no
    handlers: nothing is changed.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    taken = [number for number in ENDING if signal.getsignal(number) is signal.SIG_DFL]
    for number in taken:
        signal.signal(number, _exit)
    try:
        yield
    finally:
        for number in taken:
            if signal.getsignal(number) is _exit:  # else the user has set one in the meantime
                signal.signal(number, signal.SIG_DFL)


def _exit(number: int, _frame: FrameType | None) -> None:
    raise SystemExit(_SHELL_OFFSET + number)
