"""What a command writes to motors for good: each write is whole, and stays known however the command ends."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

_ENDINGS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Written:
    """The permanent writes of one command, in order.

    Attributes:
        lines: What was written, one line each; what was begun and not confirmed says so.
        unconfirmed: How many of them were not confirmed.
    """

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.unconfirmed = 0

    @contextmanager
    def writing(self, line: str) -> Iterator[None]:
        """Write in the block, and read it back there; signals that end the command wait until it is over.

        Args:
            line: What is written, and where.
        """
        with signals_wait():
            try:
                yield
            except BaseException:
                self.lines.append(f"{line} (not confirmed)")
                self.unconfirmed += 1
                raise
            self.lines.append(line)


@contextmanager
def signals_wait() -> Iterator[None]:
    """Let SIGINT, SIGTERM and SIGHUP wait until the block is over; they must not fall between a write and its lock.

    Signals reach the main thread alone: in another one this does nothing.
    """
    came: list[int] = []

    def wait(number: int, frame: FrameType | None) -> None:
        came.append(number)

    before = {}
    if threading.current_thread() is threading.main_thread():
        handlers = {number: signal.getsignal(number) for number in _ENDINGS}
        before = {number: handler for number, handler in handlers.items() if handler not in (signal.SIG_IGN, None)}
    for number in before:
        signal.signal(number, wait)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for pending in dict.fromkeys(came):
            signal.raise_signal(pending)


def change_text(name: str, found: float, wanted: float) -> str:
    """Return one line on a setting that is changed."""
    return f"{setting_text(name)} set from {found:g} to {wanted:g}"


def setting_text(name: str) -> str:
    """Return the name of a setting for people; one with dots is what its console wants to hear, and stays."""
    return name if "." in name else name.replace("_", " ")
