"""Signals that would end the process wait while something is done whole: a write to a motor, or a robot's cleanup."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

ENDING: Final = (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
"""Signals, beside SIGINT, that end a process without its cleanup."""


@contextmanager
def signals_held() -> Iterator[None]:
    """Hold back SIGINT and `ENDING` until the block is over, then deliver them.

    Signals reach the main thread alone: in another one this does nothing. One that is ignored stays ignored.
    """
    held: list[int] = []

    def hold(number: int, _frame: FrameType | None) -> None:
        held.append(number)

    before = {}
    if threading.current_thread() is threading.main_thread():
        handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, *ENDING)}
        before = {number: handler for number, handler in handlers.items() if handler not in (signal.SIG_IGN, None)}
    for number in before:
        signal.signal(number, hold)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for late in dict.fromkeys(held):
            signal.raise_signal(late)
