"""Laws of decimation: the policy runs on its own grid, and is never made to run twice for one time."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim2real.configs.errors import UserError
from sim2real.runtime.decimation import Decimation


def runs(decimation: Decimation, passing: list[int], able=lambda tick: True) -> list[int]:
    """Return the ticks of the loop, from 0, in which the policy ran; `passing` are ticks between two looks."""
    found, tick = [], 0
    decimation.begin()
    for ticks in [0, *passing]:
        tick += ticks
        decimation.count(ticks)
        if decimation.due and able(tick):
            found.append(tick)
            decimation.ran()
    return found


@pytest.mark.parametrize("ratio", [1, 2, 4, 20])
def test_the_policy_runs_every_ratio_ticks(ratio):
    decimation = Decimation(50.0, 50.0 * ratio)
    assert decimation.ratio == ratio
    assert runs(decimation, [1] * 100) == list(range(0, 101, ratio))


def test_without_a_rate_every_tick_is_the_policy_s():
    decimation = Decimation(33.3)
    assert (decimation.ratio, decimation.rate, decimation.period_ns) == (1, 33.3, round(1e9 / 33.3))


@pytest.mark.parametrize("rate", [0.0, -50.0, 25.0, 49.9, 120.0, 51.0, 1e9, float("nan"), float("inf")])
def test_a_rate_that_is_no_whole_multiple_is_refused_with_those_that_are(rate):
    with pytest.raises(UserError, match=r"valid: whole multiples of it, 50, 100, 150, 200 … Hz"):
        Decimation(50.0, rate)


def test_a_multiple_of_a_rate_with_rounded_digits_fits():
    assert Decimation(33.333333, 100.0).ratio == 3


@given(st.integers(1, 8), st.lists(st.integers(1, 30), max_size=60))
def test_after_missed_ticks_it_runs_at_once_then_on_its_grid_again(ratio, passing):
    decimation = Decimation(10.0, 10.0 * ratio)
    ran = runs(decimation, passing)
    looks = [sum(passing[:count]) for count in range(len(passing) + 1)]
    slots = [tick // ratio for tick in ran]
    assert slots == sorted(set(slots))  # at most once for each time it is due
    assert slots == sorted({tick // ratio for tick in looks})  # and not later than the first look after it
    assert all(tick == min(look for look in looks if look // ratio == tick // ratio) for tick in ran)


def test_a_tick_without_readings_is_made_up_for_in_the_next_one():
    decimation = Decimation(50.0, 200.0)
    assert runs(decimation, [1] * 12, able=lambda tick: tick not in (4, 5, 8, 9, 10, 11)) == [0, 6, 12]


@given(st.integers(1, 8), st.lists(st.integers(1, 12), max_size=40))
def test_steps_count_from_one_to_the_ratio(ratio, passing):
    decimation, tick = Decimation(10.0, 10.0 * ratio), 0
    decimation.begin()
    for ticks in [0, *passing]:
        tick += ticks
        decimation.count(ticks)
        if decimation.due:
            decimation.ran()
        assert decimation.step == tick % ratio + 1
        assert decimation.policy_ticks == tick // ratio
