"""Signals that would end the process without its cleanup, while a robot is open in it."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

_ENDING: Final = (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
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
    taken = [number for number in _ENDING if signal.getsignal(number) is signal.SIG_DFL]
    for number in taken:
        signal.signal(number, _exit)
    try:
        yield
    finally:
        for number in taken:
            if signal.getsignal(number) is _exit:  # else the user has set one in the meantime
                signal.signal(number, signal.SIG_DFL)


@contextmanager
def signals_held() -> Iterator[None]:
    """Hold back SIGINT and the signals above until the block is over, then deliver them: for cleanup itself."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    held: list[int] = []

    def hold(number: int, _frame: FrameType | None) -> None:
        held.append(number)

    before = {number: signal.getsignal(number) for number in (signal.SIGINT, *_ENDING)}
    before = {number: handler for number, handler in before.items() if callable(handler) or handler is signal.SIG_DFL}
    for number in before:
        signal.signal(number, hold)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for late in dict.fromkeys(held):
            signal.raise_signal(late)


def _exit(number: int, _frame: FrameType | None) -> None:
    raise SystemExit(_SHELL_OFFSET + number)
