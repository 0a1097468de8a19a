"""Laws of the share of missed ticks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim2real.runtime.envelope.missed_share import MissedShare


def test_the_share_is_of_the_last_ticks():
    made = MissedShare(4)
    assert made.share == 0.0
    for missed, share in ((0, 0.0), (1, 0.25), (1, 0.5), (0, 0.25), (0, 0.25), (0, 0.0)):
        made.add(missed)
        assert made.share == share


def test_more_missed_ticks_than_the_window_holds_fill_all_of_it_but_the_tick_that_came():
    made = MissedShare(4)
    made.add(10**9)
    assert made.share == 0.75
    made.add(0)
    assert made.share == 0.5


def test_begin_forgets_what_was_missed():
    made = MissedShare(3)
    made.add(1)
    made.begin()
    assert made.share == 0.0
    for share in (0.0, 0.0, 1 / 3):
        made.add(share > 0)
        assert made.share == pytest.approx(share)
    for _ in range(3):
        made.add(0)
    assert made.share == 0.0


@pytest.mark.parametrize("window", [0, 1])
def test_there_is_always_a_window(window):
    made = MissedShare(window)
    made.add(1)
    assert made.share == 0.0


@given(st.integers(1, 40), st.lists(st.integers(0, 60), max_size=60))
def test_the_share_is_that_of_the_window_in_a_list_of_all_ticks(window, missed):
    made, ticks = MissedShare(window), [0] * window
    for count in missed:
        made.add(count)
        ticks += [1] * count + [0]
        assert made.share == pytest.approx(sum(ticks[-window:]) / window)
