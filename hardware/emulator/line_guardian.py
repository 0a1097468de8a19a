"""The guardian of motors without a watchdog, in lockstep: behaves like the guardian process, on the virtual clock.

In lockstep no process can die, so only a stall trips it.
"""

from collections.abc import Callable

from sim2real.hardware.clock import Clock

_FRAMES = 12  # as in guardian_process.py
_GAP_NS = 5_000_000
_NEVER = 1 << 62


class LineGuardian:
    """Sends the stop frames on a line when it is not fed; implements `Guardian`. The line calls `act` at `due_ns`."""

    def __init__(self, clock: Clock, send: Callable[[int, bytes], int], frames: bytes, limit_ns: int) -> None:
        self._clock = clock
        self._send = send
        self._frames = frames
        self._left = _FRAMES
        self._limit_ns = limit_ns
        self.tripped = False
        self.due_ns = clock.now_ns() + limit_ns

    @property
    def gone(self) -> bool:
        """Whether it has stopped watching."""
        return self.due_ns == _NEVER

    def feed(self) -> None:
        """Restart the time limit."""
        if not self.tripped and self.due_ns != _NEVER:
            self.due_ns = self._clock.now_ns() + self._limit_ns

    def allow_ns(self, limit_ns: int) -> None:
        """Set the longest time between two feeds, and feed it."""
        self._limit_ns = limit_ns
        self.feed()

    def stop(self) -> None:
        """End it without stopping the motors."""
        self.due_ns = _NEVER

    def fire(self) -> None:
        """Make it stop the motors now."""
        if not self.gone:
            self.due_ns = self._clock.now_ns()

    def act(self, now_ns: int) -> None:
        """Send the frames once, and schedule the next time."""
        self.tripped = True
        self._send(now_ns, self._frames)
        self._left -= 1
        self.due_ns = now_ns + _GAP_NS if self._left else _NEVER
