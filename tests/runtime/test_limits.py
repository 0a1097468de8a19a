"""Laws of command limits where joints of all modes are side by side, and of what each call leaves behind."""

import math

import numpy as np
import pytest
from envelope_robots import LEG, MOTOR, SERVO, robot_of, settings_of, state_of

from sim2real.hardware.types import JointCommand, JointState
from sim2real.runtime.limits import CommandLimits, Intervention, effort_bounds

PERIOD = 0.01
START = 0.125
JOINTS = (MOTOR, SERVO, LEG)
STEP = 8.0 * PERIOD  # rad; how far a target may move
ALL = np.ones(3, np.bool_)
FIELDS = ("position", "velocity", "effort", "stiffness", "damping")


def limits(*, share: float = 1.0, hot: int = 0, start: float = START) -> CommandLimits:
    """Limits of three joints of which one, or with -1 all, has a share of its effort left."""
    made = CommandLimits(robot_of(*JOINTS), settings_of(3, temperature_derating=60.0), PERIOD)
    state = state_of(3, position=start)
    made.begin(state)
    state.temperature[slice(None) if hot < 0 else hot] = 70.0 - 10.0 * share
    made.budget.update(state, np.zeros(3))
    return made


def command(**targets) -> JointCommand:
    made = JointCommand.zeros(3)
    for name, value in {"position": START, **targets}.items():
        getattr(made, name)[:] = value
    return made


def state(**values) -> JointState:
    return state_of(3, **{"position": START, **values})


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_command_with_every_value_beyond_its_bounds_is_limited_in_each(sign):
    made = command(
        position=sign * 1e301, velocity=sign * 1e9, effort=sign * 1e9, stiffness=sign * 1e9, damping=sign * 1e9
    )
    bits = limits().limit(made, state(position=sign * 9.0, velocity=sign * 99.0))
    wanted = Intervention.VELOCITY_TARGET | Intervention.EFFORT | Intervention.GAIN
    wanted |= Intervention.POSITION_GUARD | Intervention.VELOCITY_GUARD | Intervention.POSITION_TARGET
    assert bits.tolist() == [wanted] * 3
    assert made.velocity.tolist() == [sign * 8.0] * 3
    assert made.stiffness.tolist() == [10.0 if sign > 0 else 0.0] * 3


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_an_endless_position_is_refused_also_where_every_other_value_is_beyond_its_bounds(sign):
    far = sign * 1e9
    made = command(position=sign * math.inf, velocity=far, effort=far, stiffness=far, damping=far)
    bits = limits().limit(made, state(position=sign * 9.0, velocity=sign * 99.0))
    assert bits.tolist() == [Intervention.NOT_FINITE] * 3


@pytest.mark.parametrize("call", ["damp", "hold", "limp"])
def test_after_a_command_that_was_limited_the_next_call_reports_its_own_limits(call):
    made, wild = limits(), command(effort=99.0)
    assert made.limit(wild, state()).all()
    assert not getattr(made, call)(*((wild, state()) if call == "limp" else (wild, state(), ALL))).any()


@pytest.mark.parametrize("call", ["damp", "hold", "limp"])
def test_the_command_that_is_reported_is_the_one_that_was_made(call):
    made, wild = limits(), command(position=1.0, velocity=1.0, effort=1.0, stiffness=1.0, damping=0.1)
    getattr(made, call)(*((wild, state()) if call == "limp" else (wild, state(), ALL)))
    for name in FIELDS:
        assert getattr(made.requested, name).tolist() == getattr(wild, name).tolist()


def test_damping_has_the_gains_of_each_mode():
    made = command(position=1.0, velocity=1.0, effort=1.0, stiffness=1.0, damping=0.1)
    limits().damp(made, state(velocity=0.5), ALL)
    assert made.effort.tolist() == [pytest.approx(-0.1), 0.0, 0.0]
    assert made.stiffness.tolist() == [0.0, 10.0, 0.0]
    assert made.damping.tolist() == [0.0, 0.2, 0.2]


def test_holding_leaves_the_effort_to_motors_that_have_stiffness():
    guard, made = limits(), command()
    guard.hold(made, state(), ALL)
    guard.hold(made, state(position=START - 0.0625, velocity=0.5), ALL)
    assert made.effort.tolist() == [pytest.approx(10.0 * 0.0625 - 0.1), 0.0, 0.0]
    assert made.stiffness.tolist() == [0.0, 10.0, 10.0]
    assert made.damping.tolist() == [0.0, 0.2, 0.2]


@pytest.mark.parametrize("call", ["damp", "hold", "limp"])
def test_a_joint_whose_position_is_unknown_keeps_its_target(call):
    made, unknown = command(position=1.0), state(position=math.nan)
    getattr(limits(), call)(*((made, unknown) if call == "limp" else (made, unknown, ALL)))
    assert made.position.tolist() == [START] * 3


def test_a_limp_joint_has_its_target_where_it_is():
    """One that follows targets in steps, the servo; one without stiffness at once."""
    made = command(position=1.0)
    limits().limp(made, state(position=START + 0.5))
    assert made.position.tolist() == [START, pytest.approx(START + STEP), START + 0.5]


def test_a_leg_with_any_stiffness_is_held_and_its_effort_must_not_push_outward():
    for stiffness, effort in ((0.5, 0.0), (0.0, -1.0)):
        made = command(stiffness=stiffness, effort=1.0)
        limits().limit(made, state(position=1.6))
        assert made.effort[2] == pytest.approx(effort)


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_an_effort_beyond_two_limits_has_both_reasons_and_on_a_guard_none(sign):
    outside = state(position=1.6 if sign > 0 else -1.1)
    made = command(effort=sign * 9.0)
    assert limits().limit(made, outside)[0] == Intervention.EFFORT | Intervention.POSITION_GUARD
    low, high, guards = effort_bounds(MOTOR, float(outside.position[0]), 0.0)
    assert guards == Intervention.POSITION_GUARD
    made = command(effort=high if sign > 0 else low)
    assert limits().limit(made, outside)[0] == 0


def test_a_step_that_is_too_long_by_no_more_than_rounding_is_not_told():
    guard = limits(start=0.0)
    guard.allow_for(0.0)
    for asked, told in ((1e-9, 0), (math.nextafter(1e-9, 1.0), Intervention.POSITION_STEP)):
        made = command(position=0.0)
        made.position[1] = asked
        assert guard.limit(made, state(position=0.0))[1] == told
        assert made.position[1] == 0.0


# --- heat


@pytest.mark.parametrize("position", [math.inf, -math.inf, math.nan])
def test_without_knowing_where_a_hot_joint_is_its_target_is_not_derated(position):
    made = command()
    limits(share=0.5, hot=1).limit(made, state(position=position))
    assert made.position.tolist() == [START] * 3


def test_a_hot_joint_s_target_is_as_far_away_as_its_stiffness_makes_of_its_effort():
    """Half of 2 N·m by 10 N·m/rad is 0.1 rad, and by 4 N·m/rad, which a leg may be given, 0.25 rad."""
    for joint, stiffness, reach in ((1, 0.0, 0.1), (1, 4.0, 0.1), (2, 4.0, 0.25), (2, 10.0, 0.1)):
        for sign in (1.0, -1.0):
            made = command(stiffness=stiffness)
            moved = state(position=START - sign * (reach + 0.01))
            bits = limits(share=0.5, hot=joint).limit(made, moved)
            assert made.position[joint] == pytest.approx(START - sign * 0.01)
            assert bits[joint] == Intervention.DERATING


def test_a_target_that_is_just_as_far_away_as_heat_allows_has_not_that_reason():
    """With 4 N·m/rad, 1 N·m is 0.25 rad."""
    made = command(position=0.25, stiffness=4.0)
    assert limits(share=0.5, hot=2).limit(made, state(position=0.0))[2] == Intervention.POSITION_STEP


def test_a_cool_joint_beside_a_hot_one_is_where_it_was_asked_to_be():
    made = command(stiffness=10.0)
    made.position[1:] = START + 1.0
    bits = limits(share=0.5, hot=0).limit(made, state())
    assert bits.tolist() == [0, Intervention.POSITION_STEP, Intervention.POSITION_STEP]


def test_heat_is_a_reason_beside_those_of_other_targets():
    made = command(stiffness=11.0)
    bits = limits(share=0.5, hot=1).limit(made, state(position=START - 0.15))
    assert bits[1] == Intervention.GAIN | Intervention.DERATING
