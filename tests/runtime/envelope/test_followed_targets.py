"""Laws of wanted targets that move: followed to the bit where they can be, caught up with where not, never overshot."""

import numpy as np
import pytest
from envelope_robots import ENVELOPE, MOTOR, SERVO, array, robot_of

from sim2real.runtime.envelope.settings import JointSettings, SafetySettings
from sim2real.runtime.envelope.target_motion import TargetMotion

PERIOD = 0.02
ACCELERATION = 40.0  # rad/s²
SMOOTH = JointSettings(acceleration_max=ACCELERATION)
HIGH = SERVO.position_max
BRISK = 35.0 * PERIOD**2 * np.array([1.0, 3.0, 6.0, 10.0])  # rad, from rest: at 35 rad/s²
signs = pytest.mark.parametrize("sign", [1.0, -1.0])


def motion(limits: JointSettings = SMOOTH, start: float = 0.0, period: float = PERIOD, joint=SERVO) -> TargetMotion:
    made = TargetMotion(robot_of(joint), SafetySettings(envelope=ENVELOPE, joints=(limits,)), period)
    made.begin(array(start))
    return made


def run(made: TargetMotion, wanted) -> list[float]:
    targets = []
    for each in wanted:
        target = array(each)
        made.move(target)
        targets.append(float(target[0]))
    return targets


@signs
def test_a_small_jump_takes_as_many_ticks_as_the_acceleration_needs(sign):
    """40 rad/s² by 0.02 s is 0.016 rad: 1, then (1 + 1.125/2), then the rest."""
    targets = run(motion(), [sign * 0.05] * 4)
    assert targets == pytest.approx([sign * each for each in (0.016, 0.041, 0.05, 0.05)], abs=1e-12)


@signs
@pytest.mark.parametrize("ticks", range(3, 10))
@pytest.mark.parametrize("farther", [0.02, 0.03, 0.05])
def test_a_jump_farther_in_the_direction_of_motion_is_not_overshot(sign, ticks, farther):
    made = motion()
    run(made, [sign * 0.3] * ticks)
    targets = np.array(run(made, [sign * (0.3 + farther)] * 20)) * sign
    assert (targets <= 0.3 + farther + 1e-12).all()
    assert targets[-1] == pytest.approx(0.3 + farther)


@pytest.mark.parametrize("seed", range(5))
def test_what_moves_smoothly_from_rest_passes_to_the_bit(seed):
    rng = np.random.default_rng(seed)
    time = np.arange(1, 300)[:, None] * PERIOD
    asked = (0.1 + 0.2 * (1.0 - np.cos(rng.uniform(0.5, 5.0, 3) * time)).sum(axis=1)).tolist()  # at most 15 rad/s²
    assert run(motion(start=0.1), asked) == asked


@signs
def test_what_was_moved_to_at_the_very_limits_may_be_wanted_itself(sign):
    asked = run(motion(), [sign * 0.9] * 30)
    assert run(motion(), asked) == pytest.approx(asked, abs=1e-12)


@signs
@pytest.mark.parametrize("speed", [0.5, 0.75])
def test_a_jump_of_a_moving_target_is_caught_up_with_as_that_of_one_at_rest(speed, sign):
    """Both seen from the target: nothing depends on how fast the two move together."""
    line = sign * speed * PERIOD * np.arange(1, 41)
    moving = motion()
    assert run(moving, line[:10]) == line[:10].tolist()
    caught = np.array(run(moving, line[10:] + sign * 0.2)) - line[10:]
    assert caught == pytest.approx(run(motion(), [sign * 0.2] * 30), abs=1e-9)


@signs
@pytest.mark.parametrize("speed", [0.5, 0.75, 1.0])
def test_a_target_that_comes_towards_is_met_and_not_passed(speed, sign):
    line = -0.138 + speed * PERIOD * np.arange(40)
    gap = sign * np.array(run(motion(), sign * line)) - line
    assert (gap >= -1e-12).all()
    assert gap[-1] == pytest.approx(0.0, abs=1e-12)


@signs
@pytest.mark.parametrize("speed", [1.0, 3.0])
def test_before_a_limit_a_moving_target_is_left_in_time_to_stop(sign, speed):
    start = HIGH - 1.0 if sign > 0 else SERVO.position_min + 1.0
    run_up = np.minimum(np.arange(1, 200) * 0.4, speed)
    targets = np.array([start, start, *run(motion(start=start), start + sign * np.cumsum(run_up) * PERIOD)])
    assert np.abs(np.diff(targets, 2)).max() <= ACCELERATION * PERIOD**2 * (1 + 1e-6)
    assert targets[-1] == (HIGH if sign > 0 else SERVO.position_min)


def test_a_target_that_comes_back_from_beyond_a_limit_moves_from_the_limit_on():
    made = motion(start=HIGH)
    run(made, [HIGH + 0.5] * 3)
    asked = (HIGH - BRISK).tolist()
    assert run(made, asked) == asked


@signs
@pytest.mark.parametrize("again", ["begin", "follow"])
def test_a_new_start_forgets_what_was_wanted_before(again, sign):
    made = motion()
    run(made, [0.2, 0.4])
    if again == "begin":
        made.begin(array(-0.5))
    else:
        made.follow(array(-0.5), np.array([True]))
    asked = (-0.5 + sign * BRISK).tolist()
    assert run(made, asked) == asked


@pytest.mark.parametrize("before", [0.0, 4.0])
def test_after_a_new_start_a_jump_is_no_motion_however_soon_it_comes(before):
    """4.5 rad/s is more than 4 rad/s, which 0.1 s allow: it is approached as a target at rest, in steps of 0.1 s."""
    made = motion(period=0.1)
    run(made, [before * 0.1])
    made.begin(array(0.0))
    made.allow_for(0.01)
    assert run(made, [0.045]) == pytest.approx([0.0045])


@signs
def test_what_is_on_the_bound_of_the_next_targets_is_reached(sign):
    made = motion(period=0.1)
    made.allow_for(0.01)
    bound = float(made.high[0] if sign > 0 else made.low[0])
    assert abs(bound) == pytest.approx(0.04)
    assert run(made, [bound]) == [bound]


def test_without_begin_targets_move_from_the_default_pose():
    for limits, step in ((JointSettings(), 8.0 * PERIOD), (SMOOTH, 0.016)):
        made = TargetMotion(robot_of(SERVO), SafetySettings(envelope=ENVELOPE, joints=(limits,)), PERIOD)
        assert run(made, [9.0]) == pytest.approx([SERVO.default_position + step])


def test_the_mean_of_a_target_at_rest_is_that_target_to_the_bit():
    made = motion(JointSettings(acceleration_max=40.0, jerk_max=400.0))
    for goal in np.linspace(0.1, 0.9, 23).tolist():
        assert run(made, [goal] * 60)[-1] == goal


def test_a_joint_in_current_mode_that_begins_outside_may_be_asked_to_be_there_again():
    made = motion(start=1.8, joint=MOTOR)
    assert run(made, [1.0, 9.0]) == [1.0, 1.8]


def test_a_wanted_target_that_is_as_fast_as_rounding_allows_is_in_reach():
    """Powers of two, so that nothing else rounds: 32 rad/s² for 1/64 s, and 2 rad/s² for 1/4 s, are 0.5 rad/s."""
    rounding = 1.0 + 1e-9
    made = motion(JointSettings(acceleration_max=32.0), start=-1 / 128, period=1 / 64)
    assert run(made, [1.0]) == [0.0]
    assert run(made, [0.5 * rounding / 64]) == [0.5 * rounding / 64]
    made = motion(JointSettings(acceleration_max=2.0), period=1 / 4)
    made.allow_for(1 / 64)
    assert run(made, [0.5 * rounding / 64]) == [0.5 / 64]


@pytest.mark.parametrize("ticks", range(4, 9))
def test_a_wanted_target_that_speeds_up_as_fast_as_rounding_allows_moves(ticks):
    """It is caught up with as one that speeds up a little less: a target that has jumped is braked for."""

    def caught(change: float) -> list[float]:
        asked = [0.0] * ticks + (change / 64 * np.arange(1, 20)).tolist()
        return run(motion(JointSettings(acceleration_max=32.0), start=-0.25, period=1 / 64), asked)

    allowed = 0.5 * (1.0 + 1e-9)
    assert caught(allowed) == pytest.approx(caught(allowed * (1.0 - 1e-12)), abs=1e-9)
