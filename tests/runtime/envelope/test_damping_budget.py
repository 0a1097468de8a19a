"""Laws of the damping budget: a state that ends by itself neither lasts for ever nor comes back for ever."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim2real.runtime.envelope.damping_budget import RECOVERY_SHARE, DampingBudget

MS = 1_000_000
TICK = 20 * MS
BUDGET, RECOVERY = 2_000 * MS, 10_000 * MS


def budget() -> DampingBudget:
    made = DampingBudget(BUDGET, RECOVERY)
    made.begin(7 * MS)
    return made


class Run:
    """Ticks of a robot, damped or not."""

    def __init__(self, made: DampingBudget) -> None:
        self.budget, self.now = made, 7 * MS

    def ticks(self, count: int, *, damped: bool, period: int = TICK) -> None:
        for _ in range(count):
            if damped:
                self.budget.note_damping()
            self.now += period
            self.budget.advance(self.now)


def test_the_budget_is_over_after_its_time_and_not_a_nanosecond_before():
    run = Run(budget())
    run.ticks(100, damped=True)
    assert (run.budget.spent_ns, run.budget.over) == (BUDGET, False)
    run.ticks(1, damped=True, period=1)
    assert run.budget.over
    run.budget.begin(run.now)
    assert (run.budget.spent_ns, run.budget.over) == (0.0, False)
    run.ticks(100, damped=True)
    assert not run.budget.over


def test_without_begin_time_counts_from_zero():
    made = DampingBudget(BUDGET, RECOVERY)
    made.note_damping()
    made.advance(3)
    assert made.spent_ns == 3.0
    made = DampingBudget(BUDGET, RECOVERY)
    made.advance(3)
    assert made.spent_ns == 0.0


def test_without_damping_nothing_is_spent():
    run = Run(budget())
    run.ticks(1000, damped=False)
    assert run.budget.spent_ns == 0.0
    assert not run.budget.over


def test_time_that_runs_backwards_is_no_time():
    run = Run(budget())
    run.ticks(1, damped=True)
    run.ticks(1, damped=True, period=-5 * TICK)
    assert run.budget.spent_ns == TICK
    run.ticks(1, damped=False, period=-5 * TICK)
    assert run.budget.spent_ns == TICK


def test_spent_time_is_given_back_only_after_the_recovery_and_then_at_a_thirtieth():
    assert RECOVERY_SHARE == 1 / 30
    run = Run(budget())
    run.ticks(50, damped=True)
    run.ticks(RECOVERY // TICK, damped=False)
    assert run.budget.spent_ns == 50 * TICK
    run.ticks(30, damped=False)
    assert run.budget.spent_ns == pytest.approx(49 * TICK)
    run.ticks(1, damped=False, period=600 * TICK)
    assert run.budget.spent_ns == pytest.approx(29 * TICK)
    run.ticks(1, damped=True)
    run.ticks(RECOVERY // TICK, damped=False)
    assert run.budget.spent_ns == pytest.approx(30 * TICK)
    run.ticks(100_000, damped=False)
    assert run.budget.spent_ns == 0.0


def test_a_recovery_that_ends_within_one_long_tick_gives_back_what_is_beyond_it():
    run = Run(budget())
    run.ticks(10, damped=True)
    run.ticks(1, damped=False, period=RECOVERY + 60 * TICK)
    assert run.budget.spent_ns == pytest.approx(8 * TICK)


def test_begin_forgets_that_the_robot_was_damped_and_for_how_long_it_was_not():
    run = Run(budget())
    run.ticks(RECOVERY // TICK, damped=False)
    run.budget.note_damping()
    run.budget.begin(run.now)
    run.ticks(1, damped=False)
    assert run.budget.spent_ns == 0.0
    run.ticks(50, damped=True)
    run.ticks(30, damped=False)
    assert run.budget.spent_ns == 50 * TICK


@given(good=st.integers(1, 480), bad=st.integers(1, 20))
def test_flapping_ends_at_any_duty_cycle_within_the_recovery(good, bad):
    run, spent = Run(budget()), 0
    while not run.budget.over:
        run.ticks(good, damped=False)
        run.ticks(bad, damped=True)
        spent += bad
        assert spent * TICK <= BUDGET + 20 * TICK


@given(st.integers(500, 5000), st.integers(1, 200))
def test_rarer_flapping_ends_where_the_robot_is_damped_for_more_than_a_thirtieth(good, bad):
    run = Run(budget())
    for _ in range(300):
        run.ticks(1, damped=False, period=good * TICK)
        run.ticks(1, damped=True, period=bad * TICK)
        if run.budget.over:
            return
    assert bad <= (good - 500) / 30 + 1
