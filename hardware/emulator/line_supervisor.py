"""The supervisor in lockstep: behaves like the supervisor process, on the virtual clock.

In lockstep no process can die, so only a stall trips it.
"""

from collections.abc import Callable, Sequence

from sim2real.hardware.clock import Clock
from sim2real.hardware.supervisor.supervisor import Plan

Send = Callable[[int, bytes], None]
"""Sends frames on one line at a time, ns."""

_FRAMES = 12  # as in program.py
_GAP_NS = 5_000_000
_NEVER = 1 << 62


class LineSupervisor:
    """Sends its frames on the lines of a robot when it is not fed; implements `Supervisor`.

    One of the lines calls `act` at `due_ns`.

    Args:
        clock: The virtual clock.
        lines: For each line: how to send on it, frames for torque off, and frames for the death of the driver.
        limit_ns: Longest time between two feeds, ns.
    """

    def __init__(self, clock: Clock, lines: Sequence[tuple[Send, bytes, bytes]], limit_ns: int) -> None:
        self._clock = clock
        self._lines = lines
        self._plan = Plan.OFF
        self._left = _FRAMES
        self._limit_ns = limit_ns
        self._acted = False
        self.alive = True
        self.due_ns = clock.now_ns() + limit_ns

    @property
    def tripped(self) -> bool:
        """Whether it has acted, or acts as soon as the robot has caught up with the clock."""
        return self._acted or self.due_ns <= self._clock.now_ns()

    def feed(self) -> None:
        """Restart the time limit."""
        if not self.tripped and self.due_ns != _NEVER:
            self.due_ns = self._clock.now_ns() + self._limit_ns

    def plan(self, plan: Plan) -> None:
        """Set what it sends when it acts, and feed it."""
        self._plan = plan
        self.feed()

    def stop(self) -> None:
        """End it without an act."""
        self.due_ns = _NEVER

    def act(self, now_ns: int) -> None:
        """Send the frames once, and schedule the next time."""
        self._acted = True
        for send, off, death in self._lines:
            frames = death if self._plan is Plan.DEATH else off
            if frames:
                send(now_ns, frames)
        self._left -= 1
        self.due_ns = now_ns + _GAP_NS if self._left else _NEVER
