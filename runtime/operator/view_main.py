"""The view's program: draws a run on the terminal from the ring of its ticks. It only reads.

The loop never waits for it: it may be stopped, killed, or stuck in a write to a terminal that takes nothing.
"""

import os
import select
import signal
import sys
from typing import Final

from rich.console import Console
from rich.live import Live

from sim2real.runtime.operator.briefing import Briefing
from sim2real.runtime.operator.life import Life, answer
from sim2real.runtime.operator.live_text import live_text
from sim2real.runtime.operator.run_state import RunState
from sim2real.runtime.ring import RingReader

_PERIOD_S: Final = 0.2


def main() -> None:
    """Draw until the run ends."""
    for number in (signal.SIGTTOU, signal.SIGINT, signal.SIGQUIT, signal.SIGTSTP, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    life = Life()
    ring = RingReader(int(life.task["ring"]))
    state = RunState(Briefing.of_json(life.task["briefing"]))
    terminal = os.fdopen(int(life.task["terminal"]), "w", encoding="utf-8", errors="replace")
    group, keys = int(life.task["group"]), str(life.task["keys"])
    console = Console(file=terminal, highlight=False)
    answer({"ready": True})
    begun = False  # what is said while the robot is opened stays on the terminal
    with Live(console=console, transient=True, auto_refresh=False) as live:
        while not (_ended(life) or life.over()):
            while (row := ring.pop()) is not None:
                state.take(ring.layout.plain(row))
                begun = True
            if begun and _in_foreground(terminal.fileno(), group):
                live.update(live_text(state, keys, height=console.height, width=console.width), refresh=True)


def _ended(life: Life) -> bool:
    """Wait until the next drawing is due; return whether the run has ended."""
    return bool(select.select([life.descriptor], [], [], _PERIOD_S)[0])


def _in_foreground(terminal: int, group: int) -> bool:
    """Whether the run is what the terminal shows; another program's screen is not drawn on."""
    try:
        return os.tcgetpgrp(terminal) == group
    except OSError:
        return True  # not the terminal that controls us: no job control there


if __name__ == "__main__":
    main()
    sys.exit(0)
