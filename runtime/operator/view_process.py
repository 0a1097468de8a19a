"""`live_view`: the process that draws a run on the terminal."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from rich.console import Console

from sim2real.runtime.operator.beside import BesideProcess
from sim2real.runtime.operator.briefing import Briefing

_MODULE: Final = "sim2real.runtime.operator.view_main"
_SHOW_CURSOR: Final = "\x1b[?25h"


@contextmanager
def live_view(briefing: Briefing, ring: int, console: Console, keys: str) -> Iterator[None]:
    """Draw a run beside it, for the duration of the block; nothing, and no process, where there is no terminal.

    Args:
        briefing: Of the run.
        ring: Descriptor of the ring of the run's ticks.
        console: On the terminal.
        keys: What the person can press, for the last line.

    Raises:
        UserError: The process did not start.
    """
    if not console.is_terminal or console.is_dumb_terminal:
        yield
        return
    terminal = os.dup(console.file.fileno())  # the process has another standard error
    task = {"briefing": briefing.to_json(), "ring": ring, "terminal": terminal, "group": os.getpgrp(), "keys": keys}
    try:
        process = BesideProcess(_MODULE, task, (ring, terminal), own_group=True)
    finally:
        os.close(terminal)
    try:
        yield
    finally:
        if not process.stop():  # killed while it was drawing, it has not put the cursor back
            console.file.write(_SHOW_CURSOR)
            console.file.flush()
