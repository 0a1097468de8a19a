"""The share of missed ticks in a window of time that moves along."""


class MissedShare:
    """Counts missed ticks among the last ones; the window counts as full of good ticks at the start.

    Args:
        window: Ticks in the window.
    """

    def __init__(self, window: int) -> None:
        self._missed = bytearray(max(1, window))
        self._next = self._sum = 0

    @property
    def share(self) -> float:
        """Missed ticks by all ticks, 0 to 1."""
        return self._sum / len(self._missed)

    def begin(self) -> None:
        """Forget what was missed."""
        self._missed[:] = bytes(len(self._missed))
        self._next = self._sum = 0

    def add(self, missed: int) -> None:
        """Add some missed ticks, and the one after them that took place. More than the window holds fill it."""
        for _ in range(min(missed, len(self._missed))):
            self._push(1)
        self._push(0)

    def _push(self, missed: int) -> None:
        self._sum += missed - self._missed[self._next]
        self._missed[self._next] = missed
        self._next = (self._next + 1) % len(self._missed)
