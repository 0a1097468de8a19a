"""Clocks as arguments: the monotonic clock of the machine, and a virtual one that only moves when told to."""

import time
from typing import Protocol

NS_PER_S = 1_000_000_000


class Clock(Protocol):
    """Integer nanoseconds that never go back."""

    def now_ns(self) -> int:
        """Return the current time."""
        ...

    def sleep_until_ns(self, deadline_ns: int) -> None:
        """Return at the deadline, or at once if it has passed."""
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
    """A clock for lockstep: sleeping is instant and moves the time, nothing else does."""

    def __init__(self, start_ns: int = 0) -> None:
        self._now_ns = start_ns

    def now_ns(self) -> int:
        """Return the current time."""
        return self._now_ns

    def sleep_until_ns(self, deadline_ns: int) -> None:
        """Move the time forward to the deadline; never back."""
        self._now_ns = max(self._now_ns, deadline_ns)


def ns_from_s(seconds: float) -> int:
    """Convert seconds to whole nanoseconds."""
    return round(seconds * NS_PER_S)
