"""Laws of the bounds of joint readings: on a bound is allowed, one bit beyond is not, and NaN is inside nothing."""

import math

import numpy as np
import pytest
from envelope_robots import MOTOR, SERVO, robot_of, settings_of, state_of
from hypothesis import given
from hypothesis import strategies as st

from sim2real.runtime.envelope.joint_bounds import JointBounds
from sim2real.runtime.envelope.settings import JointSettings
from sim2real.runtime.verdict import Reason, Violation

NOW = 10_000_000_000
MS = 1_000_000
PERIOD = 0.01
ROBOT = robot_of(SERVO, MOTOR)
HEALTH_AGE = 0.5


def healthy(now_ns: int = NOW, **changes):
    """Readings of now, changed for the second joint."""
    state = state_of(2, stamp_ns=now_ns, health_stamp_ns=now_ns)
    for name, value in changes.items():
        getattr(state, name)[1] = value
    return state


def begun(**changes) -> JointBounds:
    made = JointBounds(ROBOT, settings_of(2, health_age_max=HEALTH_AGE), PERIOD)
    made.begin(healthy(**changes), NOW)
    return made


def check(made: JointBounds, state, now_ns: int = NOW) -> list[Violation]:
    well = made.check(state, now_ns)
    found = made.violations()
    assert well is (not found)
    return found


@pytest.mark.parametrize(
    ("field", "low", "high", "reason"),
    [
        ("position", -1.5, 2.0, Reason.POSITION),
        ("velocity", -11.0, 11.0, Reason.VELOCITY),
        ("effort", -4.0, 4.0, Reason.EFFORT),
        ("temperature", -math.inf, 70.0, Reason.TEMPERATURE),
        ("voltage", 10.0, 14.8, Reason.VOLTAGE),
        ("faults", 0, 0, Reason.MOTOR_FAULT),
    ],
)
def test_a_value_on_its_bound_is_allowed_and_the_next_is_not(field, low, high, reason):
    for limit, side in ((low, -math.inf), (high, math.inf)):
        position = {"position": limit} if field == "position" else {}
        assert check(begun(**position), healthy(**{field: limit})) == []
        beyond = limit + (1 if side > 0 else -1) if field == "faults" else math.nextafter(limit, side)
        if math.isfinite(beyond) and math.isfinite(limit):
            assert check(begun(**position), healthy(**{field: beyond})) == [Violation(reason, 1, beyond, limit)]


@pytest.mark.parametrize("field", ["position", "velocity", "effort"])
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_measured_value_that_is_not_finite_has_its_own_reason_and_only_that(field, value):
    (violation,) = check(begun(), healthy(**{field: value}))
    assert violation[:2] == (Reason.NOT_FINITE, 1)
    assert violation.value == value or math.isnan(value)
    assert violation.limit == math.inf


@pytest.mark.parametrize(("field", "value", "limit"), [("temperature", math.inf, 70.0), ("voltage", math.inf, 14.8)])
def test_an_endless_temperature_or_voltage_is_too_high(field, value, limit):
    reason = Reason[field.upper()]
    assert check(begun(), healthy(**{field: value})) == [Violation(reason, 1, value, limit)]


@pytest.mark.parametrize("age_ms", [0, 50, 51, 200, 201])
def test_ages_of_readings(age_ms):
    now_ns, found = NOW + age_ms * MS, []
    state = healthy(now_ns, stamp_ns=NOW)
    if age_ms > 50:
        found.append(Violation(Reason.STALE_READING, 1, pytest.approx(age_ms / 1000), 0.05))
    if age_ms > 200:
        found.append(Violation(Reason.COMMUNICATION_LOSS, 1, pytest.approx(age_ms / 1000), pytest.approx(0.2)))
    made = begun()
    assert check(made, state, now_ns) == found
    assert made.recent.tolist() == [True, age_ms <= 50]


def test_ages_are_exact_to_the_nanosecond():
    for limit, reason in ((50 * MS, Reason.STALE_READING), (200 * MS, Reason.COMMUNICATION_LOSS)):
        for age, found in ((limit, False), (limit + 1, True)):
            state = healthy(NOW + age, stamp_ns=NOW)
            assert (reason in [each.reason for each in check(begun(), state, NOW + age)]) is found


def test_a_reading_from_the_future_is_stale_and_no_loss():
    assert check(begun(), healthy(stamp_ns=NOW + 1)) == [Violation(Reason.STALE_READING, 1, -1e-9, 0.05)]


@pytest.mark.parametrize("now_ns", [0, NOW])
def test_a_joint_that_never_answered_is_stale_and_lost_at_any_time(now_ns):
    made = JointBounds(ROBOT, settings_of(2), PERIOD)
    made.begin(healthy(now_ns), now_ns)
    found = check(made, healthy(now_ns, stamp_ns=-1), now_ns)
    assert found == [
        Violation(Reason.STALE_READING, 1, math.inf, 0.05),
        Violation(Reason.COMMUNICATION_LOSS, 1, math.inf, pytest.approx(0.2)),
    ]
    assert check(made, healthy(now_ns, stamp_ns=0), now_ns) == [] or now_ns


@pytest.mark.parametrize("elapsed_ms", [0, 10, 30])
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_joint_moves_no_farther_than_its_speed_allows(elapsed_ms, sign):
    now_ns = NOW + elapsed_ms * MS
    reach = 11.0 * (elapsed_ms * 1e-3 + PERIOD)
    assert check(begun(), healthy(now_ns, position=sign * reach * 0.999), now_ns) == []
    far = sign * reach * 1.001
    assert check(begun(), healthy(now_ns, position=far), now_ns) == [
        Violation(Reason.POSITION_JUMP, 1, far, pytest.approx(sign * reach))
    ]


def test_after_a_jump_the_new_position_is_what_the_next_is_measured_from():
    made = begun()
    assert len(check(made, healthy(position=1.0))) == 1
    assert check(made, healthy(position=1.0)) == []


def test_time_between_readings_is_told_and_never_negative():
    made = begun()
    check(made, healthy(NOW + 20 * MS, stamp_ns=NOW), NOW + 20 * MS)
    assert made.elapsed_s.tolist() == [pytest.approx(0.02), 0.0]
    check(made, healthy(NOW + 10 * MS, stamp_ns=NOW + 10 * MS), NOW + 10 * MS)
    assert made.elapsed_s.tolist() == [0.0, pytest.approx(0.01)]


@pytest.mark.parametrize("field", ["temperature", "voltage"])
def test_health_may_be_unknown_for_a_while_after_begin_and_no_longer(field):
    reason = Reason[f"{field.upper()}_UNKNOWN"]
    for age_ns, found in ((500 * MS, []), (500 * MS + 1, [Violation(reason, 1, pytest.approx(0.5), 0.5)])):
        made, now_ns = begun(), NOW + age_ns
        assert check(made, healthy(now_ns, **{field: math.nan}), now_ns) == found


def test_health_that_was_known_may_be_as_old_and_no_older():
    for age_ns, count in ((500 * MS, 0), (500 * MS + 1, 2)):
        made = begun()
        for since_ns in (0, 2_000 * MS):  # the grace after begin is long over
            now_ns = NOW + since_ns + age_ns
            state = healthy(now_ns, health_stamp_ns=NOW + since_ns)
            assert len(check(made, state, now_ns)) == count
    now_ns = NOW + 2_000 * MS
    found = check(made, healthy(now_ns, health_stamp_ns=-1), now_ns)
    assert [violation.reason for violation in found] == [Reason.TEMPERATURE_UNKNOWN, Reason.VOLTAGE_UNKNOWN]
    assert found[0].value == pytest.approx(2.0)


def test_a_health_reading_from_before_time_zero_is_no_younger_than_any_other():
    made = JointBounds(ROBOT, settings_of(2, health_age_max=HEALTH_AGE), PERIOD)
    made.begin(healthy(0), 0)
    state = healthy(1_000 * MS)
    state.health_stamp_ns[:] = -1_000 * MS
    found = check(made, state, 1_000 * MS)
    assert [violation.reason for violation in found] == [Reason.TEMPERATURE_UNKNOWN, Reason.VOLTAGE_UNKNOWN] * 2


def test_a_motor_with_a_supply_of_its_own_has_that_one_s_voltages():
    """Above any temperature, which may be unknown beside it."""
    made = JointBounds(ROBOT, settings_of(2, JointSettings(voltage_range=(100.0, 120.0))), PERIOD)
    for voltage, found in ((100.0, []), (120.0, []), (12.0, [Violation(Reason.VOLTAGE, 1, 12.0, 100.0)])):
        state = healthy(voltage=voltage)
        state.voltage[0] = 110.0
        made.begin(state, NOW)
        assert check(made, state) == found
        state.temperature[:] = math.nan
        assert check(made, state) == found


def test_a_health_reading_from_before_begin_has_the_grace():
    assert check(begun(), healthy(NOW + 500 * MS, health_stamp_ns=-1), NOW + 500 * MS) == []


def test_without_begin_nothing_is_recent():
    made = JointBounds(ROBOT, settings_of(2), PERIOD)
    found = {violation.reason for violation in check(made, healthy(temperature=math.nan))}
    assert found == {Reason.TEMPERATURE_UNKNOWN, Reason.POSITION_JUMP}


def test_plausible_are_readings_that_may_be_computed_with():
    made = begun()
    assert not made.plausible
    for field, value in (("position", 9.0), ("velocity", math.nan), ("effort", 4.1)):
        check(made, healthy(**{field: value}))
        assert not made.plausible
        check(made, healthy())
        check(made, healthy())
        assert made.plausible
    check(made, healthy(temperature=99.0, voltage=0.0, faults=1, stamp_ns=-1))
    assert made.plausible


def test_violations_come_joint_by_joint_in_one_order():
    state = healthy(velocity=-12.0, temperature=80.0)
    state.effort[0] = -5.0
    assert check(begun(), state) == [
        Violation(Reason.EFFORT, 0, -5.0, -4.0),
        Violation(Reason.VELOCITY, 1, -12.0, -11.0),
        Violation(Reason.TEMPERATURE, 1, 80.0, 70.0),
    ]


anything = st.floats(allow_nan=True, allow_infinity=True) | st.floats(-20.0, 80.0)


@given(st.lists(anything, min_size=5, max_size=5), st.integers(-(2**62), 2**62), st.integers(0, 127))
def test_all_well_is_said_only_when_no_single_comparison_fails(values, stamp_ns, faults):
    q, v, effort, temperature, voltage = values
    made = begun(position=q)
    names = ("position", "velocity", "effort", "temperature", "voltage")
    state = healthy(stamp_ns=stamp_ns, faults=faults, **dict(zip(names, values, strict=True)))
    well = (
        -1.5 <= q <= 2.0
        and abs(v) <= 11.0
        and abs(effort) <= 4.0
        and (temperature <= 70.0 or math.isnan(temperature))
        and (10.0 <= voltage <= 14.8 or math.isnan(voltage))
        and faults == 0
        and 0 <= NOW - stamp_ns <= 50 * MS
        and stamp_ns >= 0
    )
    assert made.check(state, NOW) is well
    assert np.isfinite(made.elapsed_s).all()
