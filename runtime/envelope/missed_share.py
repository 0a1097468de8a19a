"""The share of missed ticks in a window of time that moves along."""

from collections import deque


class MissedShare:
    """Counts missed ticks among the last ones; the window counts as full of good ticks at the start.

    Args:
        window: Ticks in the window.
    """

    def __init__(self, window: int) -> None:
        self._window = max(1, window)
        self._ticks: deque[bool] = deque(maxlen=self._window)
        self.begin()

    @property
    def share(self) -> float:
        """Missed ticks by all ticks, 0 to 1."""
        return self._missed / self._window

    def begin(self) -> None:
        """Forget what was missed."""
        self._ticks.extend([False] * self._window)
        self._missed = 0

    def add(self, missed: int) -> None:
        """Add some missed ticks, and the one after them that took place. More than the window holds fill it."""
        for _ in range(min(missed, self._window)):
            self._push(True)
        self._push(False)

    def _push(self, missed: bool) -> None:
        self._missed += missed - self._ticks[0]
        self._ticks.append(missed)
