"""Laws of what heat takes off the effort limit."""

import math

import numpy as np
import pytest
from envelope_robots import ENVELOPE, MOTOR, SERVO, array, robot_of, settings_of, state_of
from hypothesis import given
from hypothesis import strategies as st

from sim2real.runtime.envelope.effort_budget import THERMAL_ONSET, EffortBudget
from sim2real.runtime.envelope.settings import JointSettings, SafetySettings

TWO = robot_of(SERVO, MOTOR)
WINDINGS = JointSettings(effort_continuous=0.5, thermal_time=10.0)
COOL = JointSettings()


def budget(*joints: JointSettings, **changes) -> EffortBudget:
    return EffortBudget(TWO, SafetySettings(envelope=ENVELOPE, joints=joints or (COOL, COOL), **changes))


def test_without_limits_nothing_is_taken_off():
    made = budget()
    made.update(state_of(2, effort=100.0, temperature=1000.0), array(1.0, 1.0))
    assert made.allowed.tolist() == [2.0, 2.0]
    assert made.heat.tolist() == [0.0, 0.0]
    assert not made.reduced


@pytest.mark.parametrize(
    ("temperature", "share"),
    [(-40.0, 1.0), (59.9, 1.0), (60.0, 1.0), (62.5, 0.75), (65.0, 0.5), (70.0, 0.0), (80.0, 0.0), (math.inf, 0.0)],
)
def test_the_limit_falls_from_the_derating_to_the_highest_temperature(temperature, share):
    made, state = budget(temperature_derating=60.0), state_of(2)
    state.temperature[1] = temperature
    made.update(state, array(0.0, 0.0))
    assert made.allowed.tolist() == [2.0, pytest.approx(2.0 * share)]
    assert made.reduced == (share < 1.0)
    state.temperature[1] = 20.0
    made.update(state, array(0.0, 0.0))
    assert made.allowed.tolist() == [2.0, 2.0]
    assert not made.reduced


def test_an_unknown_temperature_takes_nothing_off():
    made = budget(temperature_derating=60.0)
    made.update(state_of(2, temperature=math.nan), array(0.1, 0.1))
    assert made.allowed.tolist() == [2.0, 2.0]


@pytest.mark.parametrize("derating", [70.0, 75.0])
def test_a_derating_from_the_highest_temperature_on_is_none(derating):
    made = budget(temperature_derating=derating)
    made.update(state_of(2, temperature=69.0), array(0.1, 0.1))
    assert not made.reduced


def test_windings_heat_with_the_square_of_the_effort_towards_that_of_the_effort():
    made, state = budget(WINDINGS, COOL), state_of(2, effort=0.25)
    for _ in range(1000):
        made.update(state, array(0.01, 0.01))
    assert made.heat[0] == pytest.approx(0.25 * (1.0 - math.exp(-1.0)), rel=1e-3)  # after one time constant
    assert made.heat[1] == pytest.approx((0.25 / 2.0) ** 2 * (1.0 - math.exp(-1.0)), rel=1e-3)
    state.effort[:] = 0.0
    for _ in range(1000):
        made.update(state, array(0.01, 0.01))
    assert made.heat[0] == pytest.approx(0.25 * (1.0 - math.exp(-1.0)) * math.exp(-1.0), rel=1e-3)


@pytest.mark.parametrize(("heat", "allowed"), [(0.0, 2.0), (0.9, 2.0), (0.95, 1.25), (1.0, 0.5), (3.0, 0.5)])
def test_a_budget_used_up_leaves_the_continuous_effort(heat, allowed):
    assert THERMAL_ONSET == 0.9
    made = budget(WINDINGS, COOL)
    made.heat[0] = heat
    made.update(state_of(2, effort=0.0), array(0.0, 0.0))
    assert made.allowed.tolist() == [pytest.approx(allowed), 2.0]
    assert made.reduced == (heat > 0.9)


def test_below_the_onset_the_limit_is_the_joint_s_to_the_bit():
    limits = JointSettings(effort_continuous=0.1 + 0.2)
    made = budget(limits, limits)
    made.update(state_of(2, effort=0.1), array(0.01, 0.01))
    assert made.allowed.tolist() == [2.0, 2.0]


def test_a_step_of_more_than_the_time_constant_goes_no_farther_than_the_end():
    made = budget(WINDINGS, COOL)
    made.update(state_of(2, effort=0.5), array(1e6, 1e6))
    assert made.heat[0] == pytest.approx(1.0)


def test_a_joint_that_can_hold_its_limit_for_ever_keeps_it():
    limits = JointSettings(effort_continuous=5.0, thermal_time=0.1)
    made = budget(limits, limits)
    for _ in range(100):
        made.update(state_of(2, effort=2.0), array(0.1, 0.1))
    assert made.heat.tolist() == pytest.approx([1.0, 1.0])
    assert made.allowed.tolist() == [2.0, 2.0]


def test_the_hotter_of_winding_and_motor_decides():
    made = budget(WINDINGS, COOL, temperature_derating=60.0)
    made.heat[0] = 1.0
    made.update(state_of(2, temperature=61.0), array(0.0, 0.0))
    assert made.allowed.tolist() == [pytest.approx(0.5), pytest.approx(1.8)]


@given(st.lists(st.tuples(st.floats(-4.0, 4.0), st.floats(0.0, 1.0), st.floats(-50.0, 200.0)), max_size=50))
def test_what_is_allowed_is_never_negative_nor_above_the_limit(readings):
    made = budget(WINDINGS, COOL, temperature_derating=60.0)
    for effort, elapsed, temperature in readings:
        made.update(state_of(2, effort=effort, temperature=temperature), array(elapsed, elapsed))
        assert (made.allowed >= 0.0).all()
        assert (made.allowed <= 2.0).all()
        assert np.isfinite(made.heat).all()


def test_settings_of_tests_are_for_every_joint():
    assert settings_of(2, WINDINGS).joints == (WINDINGS, WINDINGS)


def test_a_new_budget_takes_nothing_off():
    assert not budget(WINDINGS, WINDINGS, temperature_derating=60.0).reduced


def test_a_derating_over_less_than_a_degree_is_one():
    made = budget(temperature_derating=69.5)
    made.update(state_of(2, temperature=69.75), array(0.0, 0.0))
    assert made.allowed.tolist() == [1.0, 1.0]


def test_where_every_winding_and_housing_is_hot_every_limit_falls():
    made = budget(WINDINGS, WINDINGS, temperature_derating=60.0)
    made.update(state_of(2, effort=2.0, temperature=65.0), array(1.0, 1.0))
    assert made.allowed.tolist() == pytest.approx([0.5, 0.5])
    assert made.reduced


def test_hot_windings_in_cool_housings_take_their_share():
    made = budget(WINDINGS, WINDINGS, temperature_derating=60.0)
    made.update(state_of(2, effort=2.0, temperature=20.0), array(1.0, 1.0))
    assert made.allowed.tolist() == pytest.approx([0.5, 0.5])
