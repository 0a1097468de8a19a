"""Laws of the effort guards: back into the position limits, no faster than allowed, and nothing without knowledge."""

import math

import pytest
from envelope_robots import LEG, MOTOR, SERVO

from sim2real.runtime.envelope.effort_guard import Intervention, clip, effort_bounds

LOW, HIGH, SPEED, MOST = SERVO.position_min, SERVO.position_max, SERVO.velocity_max, SERVO.effort_max
POSITION, VELOCITY = Intervention.POSITION_GUARD, Intervention.VELOCITY_GUARD


def test_interventions_have_the_numbers_of_the_logs_so_far():
    names = (
        *("POSITION_TARGET", "POSITION_STEP", "VELOCITY_TARGET", "EFFORT", "POSITION_GUARD", "VELOCITY_GUARD", "GAIN"),
        *("NOT_FINITE", "POSITION_ACCELERATION", "POSITION_JERK", "DERATING"),
    )
    assert [(each.name, each.value) for each in Intervention] == [(name, 1 << bit) for bit, name in enumerate(names)]


@pytest.mark.parametrize(
    ("value", "low", "high", "expected"),
    [
        (0.5, -1.0, 2.0, 0.5),
        (-1.0, -1.0, 2.0, -1.0),
        (2.0, -1.0, 2.0, 2.0),
        (-1.1, -1.0, 2.0, -1.0),
        (2.1, -1.0, 2.0, 2.0),
        (-math.inf, -1.0, 2.0, -1.0),
        (math.inf, -1.0, 2.0, 2.0),
        (math.nan, -1.0, 2.0, 0.0),
        (math.nan, 0.0, 2.0, 0.0),
        (math.nan, -1.0, 0.0, 0.0),
        (math.nan, 1.0, 2.0, 1.0),
        (math.nan, -2.0, -1.0, -2.0),
    ],
)
def test_what_is_no_number_becomes_zero_where_that_is_allowed_else_the_lower_bound(value, low, high, expected):
    assert clip(value, low, high) == expected


@pytest.mark.parametrize("joint", [SERVO, MOTOR, LEG])
@pytest.mark.parametrize("position", [LOW, 0.3, HIGH])
@pytest.mark.parametrize("velocity", [-SPEED, 0.0, SPEED])
def test_inside_and_on_its_limits_a_joint_may_get_any_effort(joint, position, velocity):
    assert effort_bounds(joint, position, velocity) == (-MOST, MOST, 0)
    assert effort_bounds(joint, position, velocity, effort_max=0.5) == (-0.5, 0.5, 0)


@pytest.mark.parametrize("joint", [MOTOR, LEG])
@pytest.mark.parametrize(("velocity", "most"), [(0.0, -1.0), (1.0, -1.2), (-1.0, -0.8), (-6.0, 0.0), (6.0, -2.0)])
def test_beyond_a_position_limit_without_stiffness_the_least_is_a_soft_stop(joint, velocity, most):
    """10 N·m/rad by 0.1 rad, and 0.2 N·m·s/rad; neither outward nor more than the joint may."""
    low, high, bits = effort_bounds(joint, HIGH + 0.1, velocity)
    assert (low, high, bits) == (-MOST, pytest.approx(most), POSITION)
    low, high, bits = effort_bounds(joint, LOW - 0.1, -velocity)
    assert (low, high, bits) == (pytest.approx(-most), MOST, POSITION)


@pytest.mark.parametrize("velocity", [-3.0, 0.0, 3.0])
@pytest.mark.parametrize(("joint", "held"), [(SERVO, False), (SERVO, True), (LEG, True)])
def test_where_a_target_leads_back_the_effort_must_only_not_push_outward(joint, held, velocity):
    assert effort_bounds(joint, HIGH + 0.1, velocity, held=held) == (-MOST, 0.0, POSITION)
    assert effort_bounds(joint, LOW - 0.1, velocity, held=held) == (0.0, MOST, POSITION)


def test_a_joint_in_current_mode_is_never_held():
    assert effort_bounds(MOTOR, HIGH + 0.1, 0.0, held=True) == effort_bounds(MOTOR, HIGH + 0.1, 0.0)


@pytest.mark.parametrize("joint", [SERVO, MOTOR, LEG])
def test_above_its_speed_a_joint_must_not_be_accelerated(joint):
    assert effort_bounds(joint, 0.3, math.nextafter(SPEED, 9.0)) == (-MOST, 0.0, VELOCITY)
    assert effort_bounds(joint, 0.3, math.nextafter(-SPEED, -9.0)) == (0.0, MOST, VELOCITY)


def test_both_guards_are_told_and_where_they_contradict_each_other_neither_pushes():
    assert effort_bounds(MOTOR, HIGH + 0.1, 9.0) == (-MOST, -MOST, POSITION | VELOCITY)
    assert effort_bounds(MOTOR, LOW - 0.1, -9.0) == (MOST, MOST, POSITION | VELOCITY)
    weak = MOTOR.model_copy(update={"damping": 0.0})
    assert effort_bounds(weak, HIGH + 0.1, -9.0) == (0.0, 0.0, POSITION | VELOCITY)
    assert effort_bounds(weak, LOW - 0.1, 9.0) == (0.0, 0.0, POSITION | VELOCITY)


@pytest.mark.parametrize("joint", [SERVO, MOTOR, LEG])
def test_without_knowing_where_a_joint_is_or_how_fast_it_gets_no_effort(joint):
    assert effort_bounds(joint, math.nan, 0.0) == (0.0, 0.0, POSITION)
    assert effort_bounds(joint, 0.3, math.nan) == (0.0, 0.0, VELOCITY)
