"""Laws of the fixed-rate loop."""

from hypothesis import given
from hypothesis import strategies as st

from sim2real.hardware.clock import VirtualClock
from sim2real.runtime.loop import Pacer

PERIOD = 10_000_000


def test_deadlines_are_absolute():
    clock = VirtualClock(5)
    pacer = Pacer(clock, PERIOD)
    pacer.start()
    for tick in range(1, 50):
        assert pacer.wait() == 0
        assert clock.now_ns() == 5 + tick * PERIOD
        clock.sleep_until_ns(clock.now_ns() + 3_000_000)  # work does not shift the grid


def test_an_overrun_skips_whole_periods_and_never_bursts():
    clock = VirtualClock()
    pacer = Pacer(clock, PERIOD)
    pacer.start()
    pacer.wait()
    clock.sleep_until_ns(clock.now_ns() + 37_000_000)
    assert pacer.wait() == 3  # 10, 20 and 30 ms are over, 40 ms is next
    assert clock.now_ns() == 5 * PERIOD
    assert pacer.missed_in_a_row == 3
    assert pacer.wait() == 0
    assert pacer.missed_in_a_row == 0
    assert pacer.missed == 3


def test_a_little_late_begins_at_once():
    clock = VirtualClock()
    pacer = Pacer(clock, PERIOD)
    pacer.start()
    pacer.wait()
    clock.sleep_until_ns(clock.now_ns() + 12_000_000)
    assert pacer.wait() == 0
    assert clock.now_ns() == 22_000_000
    assert pacer.wait() == 0
    assert clock.now_ns() == 30_000_000


class WatchedClock(VirtualClock):
    """Every look takes a microsecond."""

    def __init__(self):
        super().__init__()
        self.slept_until = []

    def now_ns(self):
        super().sleep_until_ns(super().now_ns() + 1_000)
        return super().now_ns()

    def sleep_until_ns(self, deadline_ns):
        self.slept_until.append(deadline_ns)
        super().sleep_until_ns(deadline_ns)


def test_with_a_spin_the_sleep_ends_earlier_and_the_tick_begins_as_without():
    clock = WatchedClock()
    pacer = Pacer(clock, PERIOD)
    pacer.spin_ns = 100_000
    pacer.start()
    for _ in range(5):
        assert pacer.wait() == 0
        assert clock.slept_until[0] == pacer.deadline_ns - 100_000
        assert 0 <= clock.now_ns() - pacer.deadline_ns <= 5_000
        clock.slept_until.clear()


def test_a_clock_that_only_sleeping_advances_ends_the_spin():
    clock = VirtualClock()
    pacer = Pacer(clock, PERIOD)
    pacer.spin_ns = 100_000
    pacer.start()
    assert pacer.wait() == 0
    assert clock.now_ns() == PERIOD


@given(st.lists(st.integers(0, 10 * PERIOD), max_size=50))
def test_ticks_stay_on_the_grid_and_half_a_period_apart(work):
    clock = VirtualClock()
    pacer = Pacer(clock, PERIOD)
    pacer.start()
    before, skipped = -PERIOD, 0
    for ticks, duration in enumerate(work, 1):
        skipped += pacer.wait()
        now = clock.now_ns()
        assert pacer.deadline_ns % PERIOD == 0
        assert pacer.deadline_ns == (ticks + skipped) * PERIOD
        assert 0 <= now - pacer.deadline_ns <= PERIOD // 2
        assert now - before >= PERIOD // 2
        before = now
        clock.sleep_until_ns(now + duration)
