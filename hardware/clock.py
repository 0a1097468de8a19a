"""Clocks that are passed as arguments: the machine's monotonic clock, and a virtual clock for lockstep."""

import time
from typing import Protocol

NS_PER_S = 1_000_000_000


class Clock(Protocol):
    """A monotonic time in integer nanoseconds."""

    def now_ns(self) -> int:
        """Return the current time."""
        ...

    def sleep_until_ns(self, deadline_ns: int) -> None:
        """Sleep until the deadline; return at once if it has passed."""
        ...


class MonotonicClock:
    """The machine's monotonic clock."""

    def now_ns(self) -> int:
        """Return the current time."""
        return time.monotonic_ns()

    def sleep_until_ns(self, deadline_ns: int) -> None:
        """Sleep until the absolute deadline; time spent before the call shortens the sleep."""
        remaining_ns = deadline_ns - time.monotonic_ns()
        if remaining_ns > 0:
            time.sleep(remaining_ns / NS_PER_S)


class VirtualClock:
    """A clock for lockstep: a sleep returns at once and advances the time; nothing else does."""

    def __init__(self, start_ns: int = 0) -> None:
        self._now_ns = start_ns

    def now_ns(self) -> int:
        """Return the current time."""
        return self._now_ns

    def sleep_until_ns(self, deadline_ns: int) -> None:
        """Advance the time to the deadline; never move it back."""
        self._now_ns = max(self._now_ns, deadline_ns)


def ns_from_s(seconds: float) -> int:
    """Convert seconds to nanoseconds, rounded."""
    return round(seconds * NS_PER_S)
