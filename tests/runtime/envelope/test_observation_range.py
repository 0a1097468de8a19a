"""Laws of observations against the ranges seen in training."""

import math

import numpy as np
import pytest

from sim2real.runtime.contract.spec import ObservationTermSpec
from sim2real.runtime.envelope.observation_range import ObservationRange
from sim2real.runtime.verdict import Reason, Violation

FREE = ObservationTermSpec(term="last_action", width=2, scale=1.0, clip=None, history=1)
BOUND = ObservationTermSpec(
    term="joint_position", width=2, scale=1.0, clip=None, history=2, low=(-1.0, -2.0), high=(0.5, 2.0)
)
RANGE = ObservationRange((FREE, BOUND, FREE))


def observation(**values: float) -> np.ndarray:
    made = np.zeros(8, np.float32)
    for place, value in values.items():
        made[int(place[1:])] = value
    return made


def test_terms_without_a_range_are_not_limited():
    assert not ObservationRange((FREE,)).limited
    assert ObservationRange((FREE,)).check(np.array([math.inf, -1e30], np.float32)) == ()
    assert RANGE.limited
    assert RANGE.check(observation(o0=1e30, o7=-1e30)) == ()


@pytest.mark.parametrize(
    ("place", "low", "high"), [("o2", -1.0, 0.5), ("o3", -2.0, 2.0), ("o4", -1.0, 0.5), ("o5", -2.0, 2.0)]
)
def test_every_tick_of_a_history_is_compared_value_by_value(place, low, high):
    for limit, side in ((low, -1.0), (high, 1.0)):
        assert RANGE.check(observation(**{place: limit})) == ()
        beyond = float(np.nextafter(np.float32(limit), np.float32(side * 9)))
        assert RANGE.check(observation(**{place: beyond})) == (Violation(Reason.OBSERVATION_RANGE, 1, beyond, limit),)


def test_of_each_term_the_value_farthest_out_is_told():
    assert RANGE.check(observation(o2=1.0, o4=2.0, o5=-3.0)) == (Violation(Reason.OBSERVATION_RANGE, 1, 2.0, 0.5),)
    assert RANGE.check(observation(o2=1.0, o5=-3.0)) == (Violation(Reason.OBSERVATION_RANGE, 1, -3.0, -2.0),)
    assert RANGE.check(observation(o2=-1.5, o4=1.0)) == (Violation(Reason.OBSERVATION_RANGE, 1, -1.5, -1.0),)
    both = ObservationRange((BOUND, BOUND))
    found = both.check(observation(o1=-3.0, o5=4.0))
    assert found == (
        Violation(Reason.OBSERVATION_RANGE, 0, -3.0, -2.0),
        Violation(Reason.OBSERVATION_RANGE, 1, 4.0, 2.0),
    )


@pytest.mark.parametrize("place", ["o2", "o5"])
def test_what_is_no_number_is_outside_and_the_worst_of_all(place):
    (violation,) = RANGE.check(observation(**{"o3": 1000.0, place: math.nan}))
    assert math.isnan(violation.value)
