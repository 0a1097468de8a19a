"""Clocks that are passed as arguments: the machine's monotonic clock, and a virtual clock for lockstep."""

import ctypes
import errno
import time
from typing import ClassVar, Final, Protocol

NS_PER_S = 1_000_000_000


class Clock(Protocol):
    """A monotonic time in integer nanoseconds."""

    def now_ns(self) -> int:
        """Return the current time."""
        ...

    def sleep_until_ns(self, deadline_ns: int) -> None:
        """Sleep until the deadline; return at once if it has passed."""
        ...


class _Timespec(ctypes.Structure):
    _fields_: ClassVar = [("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long)]


# The clock that Python's monotonic time reads. Called through ctypes, which releases the interpreter's lock meanwhile:
# `time.sleep` takes a duration, so a preemption between reading the clock and sleeping would make it end later.
_clock_nanosleep: Final = getattr(ctypes.CDLL(None), "clock_nanosleep", None)  # macOS has none
_TIMER_ABSTIME = 1  # <time.h>


class MonotonicClock:
    """The machine's monotonic clock."""

    now_ns = staticmethod(time.monotonic_ns)  # itself: a tick reads the clock a dozen times

    def sleep_until_ns(self, deadline_ns: int) -> None:
        """Sleep until the absolute deadline; time spent before the call shortens the sleep.

        The handler of a signal that arrives meanwhile runs at once, in the main thread; then the sleep goes on.
        """
        if _clock_nanosleep is None:
            self._sleep_for(deadline_ns)
            return
        if deadline_ns <= time.monotonic_ns():
            return
        until = ctypes.byref(_Timespec(*divmod(deadline_ns, NS_PER_S)))
        while _clock_nanosleep(time.CLOCK_MONOTONIC, _TIMER_ABSTIME, until, None) == errno.EINTR:
            pass  # between two bytecodes the handler has run; if it raises, the sleep ends here

    def _sleep_for(self, deadline_ns: int) -> None:
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
