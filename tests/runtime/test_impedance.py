"""Laws of joints in impedance mode in the runtime: targets, gains, damping and the start pose."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim2real.hardware.types import JointCommand, JointState
from sim2real.runtime.contract.robot import JointSpec, RobotSpec, SafetySpec
from sim2real.runtime.envelope.settings import JointSettings, SafetySettings
from sim2real.runtime.limits import CommandLimits, Intervention, effort_bounds
from sim2real.runtime.pose import PoseRamp

PERIOD = 0.005
MARGIN = 0.25
LEG = JointSpec(
    name="leg",
    mode="impedance",
    default_position=0.5,
    position_min=-1.0,
    position_max=2.0,
    velocity_max=20.0,
    effort_max=8.0,
    stiffness=15.0,
    damping=0.45,
)
ROBOT = RobotSpec(
    name="leg",
    joints=(LEG,),
    safety=SafetySpec(
        watchdog=0.1,
        reading_age_max=0.05,
        communication_loss=0.2,
        missed_ticks_max=20,
        temperature_max=70.0,
        voltage_min=18.0,
        voltage_max=30.0,
        position_margin=MARGIN,
        velocity_margin=10.0,
    ),
)
SETTINGS = SafetySettings(envelope=ROBOT.safety, joints=(JointSettings(),))
YES, NO = np.array([True]), np.array([False])
anything = st.floats(allow_nan=True, allow_infinity=True) | st.floats(-25.0, 25.0)


def state(position: float = 0.5, velocity: float = 0.0) -> JointState:
    made = JointState.empty(1)
    made.position[:], made.velocity[:], made.fresh[:] = position, velocity, True
    return made


def limits(position: float = 0.5) -> CommandLimits:
    made = CommandLimits(ROBOT, SETTINGS, PERIOD)
    made.begin(state(position))
    return made


def command(**targets: float) -> JointCommand:
    made = JointCommand.zeros(1)
    for name, value in targets.items():
        getattr(made, name)[:] = value
    return made


def assert_inside(made: JointCommand) -> None:
    assert LEG.position_min - MARGIN <= made.position[0] <= LEG.position_max + MARGIN
    assert abs(made.velocity[0]) <= LEG.velocity_max
    assert abs(made.effort[0]) <= LEG.effort_max
    assert 0.0 <= made.stiffness[0] <= LEG.stiffness
    assert 0.0 <= made.damping[0] <= LEG.damping


def test_a_command_inside_the_limits_passes_untouched_with_its_gains():
    made = command(position=0.55, velocity=1.0, effort=2.0, stiffness=7.0, damping=0.2)
    assert not limits().limit(made, state()).any()
    assert [values[0] for values in (made.position, made.velocity, made.effort, made.stiffness, made.damping)] == [
        0.55,
        1.0,
        2.0,
        7.0,
        0.2,
    ]


def test_the_position_target_moves_no_faster_than_the_joint_may():
    guard, made = limits(), command(stiffness=15.0)
    for step in range(1, 4):
        made.position[:] = 2.0
        assert guard.limit(made, state())[0] == Intervention.POSITION_STEP
        assert made.position[0] == pytest.approx(0.5 + step * LEG.velocity_max * PERIOD)


@pytest.mark.parametrize(
    ("field", "limit"), [("effort", 8.0), ("velocity", 20.0), ("stiffness", 15.0), ("damping", 0.45)]
)
def test_feed_forward_velocity_and_gains_are_cut_to_the_joint_s_own(field, limit):
    made = command(position=0.5)
    getattr(made, field)[:] = limit
    assert not limits().limit(made, state()).any()
    getattr(made, field)[:] = math.nextafter(limit, math.inf)
    assert limits().limit(made, state()).any()
    assert getattr(made, field)[0] == limit


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_beyond_a_position_limit_the_feed_forward_must_not_push_outward_where_stiffness_leads_back(sign):
    outside = 2.1 if sign > 0 else -1.1
    made = command(position=1.95 if sign > 0 else -0.95, effort=sign * 3.0, stiffness=15.0)
    bits = limits(outside).limit(made, state(outside))
    assert bits[0] & Intervention.POSITION_GUARD
    assert made.effort[0] == 0.0
    assert LEG.position_min <= made.position[0] <= LEG.position_max


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_beyond_a_position_limit_without_stiffness_the_feed_forward_is_a_soft_stop(sign):
    outside = 2.1 if sign > 0 else -1.1
    made = command(position=0.5)
    limits(outside).limit(made, state(outside))
    assert made.effort[0] == pytest.approx(-sign * LEG.stiffness * 0.1)
    low, high, _ = effort_bounds(LEG, outside, 0.0, held=True)
    assert low <= 0.0 <= high


def test_damping_is_the_motor_s_own_without_stiffness_and_feed_forward():
    made = command(position=1.0, velocity=3.0, effort=5.0, stiffness=15.0)
    limits().damp(made, state(velocity=4.0), YES)
    assert (made.velocity[0], made.effort[0], made.stiffness[0], made.damping[0]) == (0.0, 0.0, 0.0, 0.45)


def test_damping_goes_on_without_readings():
    made = command()
    limits().damp(made, state(math.nan, math.nan), NO)
    assert (made.position[0], made.stiffness[0], made.damping[0], made.effort[0]) == (0.5, 0.0, 0.45, 0.0)


def test_a_joint_that_sagged_while_it_was_damped_does_not_snap_back_when_stiffness_returns():
    guard, made = limits(), command()
    for position in np.linspace(0.5, 1.5, 11):
        guard.damp(made, state(float(position)), YES)
    made = command(position=0.5, stiffness=15.0, damping=0.45)
    guard.limit(made, state(1.5))
    assert made.position[0] == pytest.approx(1.5 - LEG.velocity_max * PERIOD)


def test_damping_beyond_a_position_limit_is_a_soft_stop():
    made = command()
    limits(2.1).damp(made, state(2.1), YES)
    assert made.effort[0] == pytest.approx(-LEG.stiffness * 0.1)
    limits(2.1).damp(made, state(2.1), NO)
    assert made.effort[0] == 0.0


@given(st.lists(anything, min_size=5, max_size=5), anything, anything, anything, st.booleans())
def test_anything_comes_out_finite_and_inside_the_limits(targets, position, velocity, start, usable):
    guard, made = limits(start), JointCommand(*(np.array([target]) for target in targets))
    guard.limit(made, state(position, velocity))
    assert_inside(made)
    guard.damp(made, state(position, velocity), np.array([usable]))
    assert_inside(made)
    assert made.stiffness[0] == 0.0
    made = JointCommand(*(np.array([target]) for target in targets))
    guard.limit(made, state(position, velocity))
    assert_inside(made)


def test_a_target_that_is_not_finite_is_replaced_by_damping():
    made = command(position=math.nan, stiffness=15.0)
    assert limits().limit(made, state(0.7))[0] == Intervention.NOT_FINITE
    assert (made.position[0], made.stiffness[0], made.damping[0]) == (0.7, 0.0, 0.45)


def test_the_start_pose_is_reached_by_the_motor_s_impedance():
    pose, made = PoseRamp(ROBOT, np.array([0.5]), speed=1.0, tolerance=0.1, timeout=5.0), command()
    pose.begin(state(1.5).position, 0)
    for time_s, target in ((0.0, 1.5), (0.5, 1.0), (1.0, 0.5), (2.0, 0.5)):
        pose.command(made, state(1.5), round(time_s * 1e9))
        assert made.position[0] == pytest.approx(target)
        assert (made.velocity[0], made.effort[0], made.stiffness[0], made.damping[0]) == (0.0, 0.0, 15.0, 0.45)
