"""The fixed-rate loop: absolute deadlines on an injected clock. A late tick skips whole periods; it never bursts."""

from sim2real.hardware.clock import Clock

_SPINS_MAX = 20_000  # a look takes 50 ns: a hundred times a wake-up's latency


class Pacer:
    """Deadlines on a grid of whole periods.

    A tick that begins less than half a period late begins at once, on its old deadline; one that is later skips to the
    grid. So two ticks are never less than half a period apart, and the grid itself never shifts.

    Attributes:
        spin_ns: The sleep ends this long before the deadline, and the rest is spent looking at the clock. 0 without the
            real-time profile: a thread that may be preempted gains nothing by it.
    """

    def __init__(self, clock: Clock, period_ns: int) -> None:
        self._clock = clock
        self._period_ns = period_ns
        self._deadline_ns = 0
        self.spin_ns = 0
        self.missed = 0
        """Periods skipped since the start."""
        self.missed_in_a_row = 0
        """Periods skipped since the last tick that was on time."""

    @property
    def deadline_ns(self) -> int:
        """When the current tick should have begun."""
        return self._deadline_ns

    def start(self) -> None:
        """Put the first deadline one period from now."""
        self._deadline_ns = self._clock.now_ns()

    def wait(self) -> int:
        """Wait for the next deadline; return how many periods were skipped."""
        self._deadline_ns += self._period_ns
        late_ns = self._clock.now_ns() - self._deadline_ns
        skipped = max(0, (late_ns + self._period_ns // 2) // self._period_ns)
        self._deadline_ns += skipped * self._period_ns
        self.missed += skipped
        self.missed_in_a_row = self.missed_in_a_row + skipped if skipped else 0
        if self.spin_ns > 0:
            self._clock.sleep_until_ns(self._deadline_ns - self.spin_ns)
            self._spin()
        self._clock.sleep_until_ns(self._deadline_ns)
        return skipped

    def _spin(self) -> None:
        """Look at the clock until the deadline; a clock that stands still meanwhile sleeps the rest."""
        now_ns, deadline_ns = self._clock.now_ns, self._deadline_ns
        for _ in range(_SPINS_MAX):
            if now_ns() >= deadline_ns:
                return
