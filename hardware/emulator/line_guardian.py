"""The guardian of motors without a watchdog, in lockstep: the same law as its process, on the virtual clock.

There is no process that could die here, so only a stall trips it.
"""

from collections.abc import Callable

from sim2real.hardware.clock import Clock

_FRAMES = 12  # as in guardian_process.py
_GAP_NS = 5_000_000
_NEVER = 1 << 62


class LineGuardian:
    """Sends frames on a line when its time comes; implements `Guardian`. The line asks for `due_ns` and calls `act`."""

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
        """Whether it has nothing left to do."""
        return self.due_ns == _NEVER

    def feed(self) -> None:
        """Say that all is well."""
        if not self.tripped and self.due_ns != _NEVER:
            self.due_ns = self._clock.now_ns() + self._limit_ns

    def allow_ns(self, limit_ns: int) -> None:
        """Set how long it may go without food from now on, and feed it."""
        self._limit_ns = limit_ns
        self.feed()

    def stop(self) -> None:
        """Let it go."""
        self.due_ns = _NEVER

    def fire(self) -> None:
        """Let it stop the motors now."""
        if not self.gone:
            self.due_ns = self._clock.now_ns()

    def act(self, now_ns: int) -> None:
        """Send the frames once; the last time it is done."""
        self.tripped = True
        self._send(now_ns, self._frames)
        self._left -= 1
        self.due_ns = now_ns + _GAP_NS if self._left else _NEVER
