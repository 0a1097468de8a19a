"""Shows go on in real time, as fast as the machine can and no faster."""

import time
from collections.abc import Callable

from sim2real.training.view.show import Show

_BEHIND_MAX_S = 0.25  # what cannot be caught up is given up


class Pace:
    """Steps of a show that are due.

    Args:
        show: The show.
        clock: Seconds, monotonic.
    """

    def __init__(self, show: Show, clock: Callable[[], float] = time.monotonic) -> None:
        self._show, self._clock = show, clock
        self.speed = 1.0
        """Show's time over real time."""
        self.paused = False
        self._due_s, self._before = 0.0, clock()

    def advance(self) -> bool:
        """Take the steps that are due; tell whether there were any."""
        now = self._clock()
        self._due_s += 0.0 if self.paused else min(now - self._before, _BEHIND_MAX_S) * self.speed
        self._before, stepped = now, False
        until = now + _BEHIND_MAX_S
        while self._due_s >= self._show.period_s and self._clock() <= until:
            self._show.step()
            self._due_s -= self._show.period_s
            stepped = True
        self._due_s = min(self._due_s, self._show.period_s)
        return stepped
