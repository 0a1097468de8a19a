"""What a program is busy with, for a person who waits: one line on a terminal, gone when anything else is printed.

Whatever takes long names its stage, and how far it is. Only the command line shows it: from Python nothing is printed.
"""

import contextlib
import os
import time
from collections.abc import Iterator
from typing import Final, TextIO

_PERIOD_S: Final = 0.1
"""Shortest time between two drawings of one stage."""
_KNOWN_S: Final = 1.0
"""Time after which the rest of a stage can be foretold."""
_ERASE: Final = "\r\x1b[2K"
_COLUMNS: Final = 80  # where the terminal does not say


class StageLine:
    """The line on a terminal.

    Args:
        stream: The terminal.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._what = ""
        self._begun = self._drawn = 0.0
        self._share = 0.0  # when the stage began

    def show(self, what: str, share: float | None, now: float) -> None:
        """Show a stage, and the share of it that is done if that is known, at a time, s."""
        if what != self._what:
            self._what, self._begun, self._share = what, now, share or 0.0
        elif share is None or now - self._drawn < _PERIOD_S:
            return
        self._drawn = now
        self._write(_ERASE + stage_text(what, share, self._share, now - self._begun)[: self._columns() - 1])

    def clear(self) -> None:
        """Take the line away."""
        if self._what:
            self._what = ""
            self._write(_ERASE)

    def _write(self, text: str) -> None:
        with contextlib.suppress(OSError, ValueError):  # a terminal that is gone
            self._stream.write(text)
            self._stream.flush()

    def _columns(self) -> int:
        with contextlib.suppress(OSError, ValueError):
            return os.get_terminal_size(self._stream.fileno()).columns or _COLUMNS
        return _COLUMNS


def stage_text(what: str, share: float | None, first: float, seconds: float) -> str:
    """Return the line of a stage.

    Args:
        what: The stage.
        share: The share that is done; None where it is not known.
        first: The share that was done when it began.
        seconds: Time since then.
    """
    if share is None:
        return f"{what} ..."
    text = f"{what} {share:4.0%}"
    if seconds < _KNOWN_S or not share > first:
        return text
    left = round(seconds * (1.0 - share) / (share - first))
    return f"{text}, {left // 60}:{left % 60:02d} left"


_lines: list[StageLine] = []  # none, or the one of this program


def show_stages(stream: TextIO | None) -> None:
    """Show stages from now on where a stream is a terminal that can erase a line."""
    _lines.clear()
    if stream is not None and not stream.closed and stream.isatty() and os.environ.get("TERM") != "dumb":
        _lines.append(StageLine(stream))


def stage(what: str, share: float | None = None) -> None:
    """Say what this program is busy with, and how far it is, from 0 to 1."""
    if _lines:
        _lines[0].show(what, share, time.monotonic())


def clear_stage() -> None:
    """Take the line away; what is printed next stands in its place."""
    if _lines:
        _lines[0].clear()


@contextlib.contextmanager
def stages_hidden() -> Iterator[None]:
    """Show no stages in the block: something else draws on the terminal."""
    clear_stage()
    held = _lines.copy()
    _lines.clear()
    try:
        yield
    finally:
        _lines.extend(held)
