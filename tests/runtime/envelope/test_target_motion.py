"""Laws of the motion of position targets: bounded speed, acceleration and jerk; no overshoot; never beyond a limit."""

import math

import numpy as np
import pytest
from envelope_robots import ENVELOPE, LEG, MOTOR, SERVO, array, robot_of
from hypothesis import given
from hypothesis import strategies as st

from sim2real.runtime.envelope.effort_guard import Intervention
from sim2real.runtime.envelope.settings import JointSettings, SafetySettings
from sim2real.runtime.envelope.target_motion import TargetMotion

PERIOD = 0.02
FREE = JointSettings()
SMOOTH = JointSettings(acceleration_max=40.0)
SMOOTHEST = JointSettings(acceleration_max=40.0, jerk_max=400.0)
LOW, HIGH, SPEED = SERVO.position_min, SERVO.position_max, SERVO.velocity_max


def motion(limits: JointSettings = FREE, start: float = 0.0, joint=SERVO, period: float = PERIOD) -> TargetMotion:
    made = TargetMotion(robot_of(joint), SafetySettings(envelope=ENVELOPE, joints=(limits,)), period)
    made.begin(array(start))
    return made


def move(made: TargetMotion, wanted: float) -> float:
    target = array(wanted)
    made.move(target)
    return float(target[0])


def run(made: TargetMotion, wanted, start: float = 0.0) -> np.ndarray:
    return np.array([start, *(move(made, each) for each in wanted)])


def assert_bounded(targets: np.ndarray, limits: JointSettings, period: float = PERIOD) -> None:
    """Of a sequence of targets that begins at rest."""
    steps = np.diff(targets) / period
    assert (np.abs(steps) <= SPEED * (1 + 1e-9)).all()
    speeds = np.concatenate(([0.0], steps))
    assert (np.abs(np.diff(speeds)) <= limits.acceleration_max * period * (1 + 1e-6) + 1e-9).all()
    accelerations = np.concatenate(([0.0], np.diff(speeds) / period))
    assert (np.abs(np.diff(accelerations)) <= limits.jerk_max * period * (1 + 1e-6) + 1e-6).all()
    assert (targets >= min(LOW, targets[0])).all()
    assert (targets <= max(HIGH, targets[0])).all()


wanted = st.lists(
    st.one_of(st.floats(-1e9, 1e9), st.floats(-2.0, 2.0), st.sampled_from([LOW, HIGH, 0.0, -3.0, 3.0])), max_size=120
)
starts = st.one_of(st.floats(LOW, HIGH), st.floats(LOW - 0.5, HIGH + 0.5))


@pytest.mark.parametrize("limits", [FREE, SMOOTH, SMOOTHEST, JointSettings(acceleration_max=3.0, jerk_max=11.0)])
@given(wanted=wanted, start=starts)
def test_whatever_is_wanted_the_targets_are_bounded(limits, wanted, start):
    made = motion(limits, start)
    assert_bounded(run(made, wanted, start), limits)


@pytest.mark.parametrize("limits", [SMOOTH, SMOOTHEST])
@given(start=st.floats(LOW, HIGH), goal=st.floats(LOW, HIGH), before=st.floats(LOW, HIGH), ticks=st.integers(0, 12))
def test_a_target_at_rest_arrives_without_overshoot_and_stays(limits, start, goal, before, ticks):
    """Whatever the motion is when the goal appears, it does not go back and forth: at most one turn, then straight."""
    made = motion(limits, start)
    run(made, [before] * ticks, start)
    targets = run(made, [goal] * 200, float(made.target[0]))
    assert targets[-1] == pytest.approx(goal, abs=1e-6)
    if ticks == 0:
        assert (targets <= max(start, goal) + 1e-9).all()
        assert (targets >= min(start, goal) - 1e-9).all()
    directions = np.sign(np.where(np.abs(np.diff(targets)) < 1e-7, 0.0, np.diff(targets)))
    turns = np.count_nonzero(np.diff(directions[directions != 0]))
    assert turns <= (0 if ticks == 0 else 1)


def test_it_takes_no_longer_than_the_limit_asks_for():
    """0.8 rad at 40 rad/s²: a triangle of 2·sqrt(0.8 / 40) s, rounded up by a tick for each half."""
    targets = run(motion(SMOOTH), [0.8] * 40)
    arrived = int(np.argmax(np.abs(targets - 0.8) < 1e-9))
    assert arrived * PERIOD <= 2.0 * math.sqrt(0.8 / 40.0) + 2 * PERIOD


def test_from_the_highest_speed_a_target_still_stops_at_its_limit():
    made = motion(SMOOTH, LOW)
    targets = run(made, [1e9] * 80, LOW)
    assert np.diff(targets).max() == pytest.approx(SPEED * PERIOD)
    assert targets[-1] == HIGH
    assert_bounded(targets, SMOOTH)
    targets = run(made, [-1e9] * 80, HIGH)
    assert np.diff(targets).min() == pytest.approx(-SPEED * PERIOD)
    assert targets[-1] == LOW
    assert_bounded(targets, SMOOTH)


def test_what_is_inside_the_limits_passes_to_the_bit():
    time = np.arange(0, 200) * PERIOD
    asked = 0.2 + 0.5 * (1.0 - np.cos(2.0 * time))  # at most 2 rad/s²
    targets = run(motion(SMOOTH, 0.2), asked, 0.2)[1:]
    assert targets.tolist() == asked.tolist()
    targets = run(motion(FREE), [0.1, 0.2, 0.1, -0.05])[1:]
    assert targets.tolist() == [0.1, 0.2, 0.1, -0.05]


def test_a_step_is_the_very_product_of_limit_and_period():
    made = motion(FREE, 0.1)
    assert move(made, 1.0) == 0.1 + SPEED * PERIOD
    made = motion(FREE, 0.1)
    assert move(made, -1.0) == 0.1 - SPEED * PERIOD
    assert (made.low[0], made.high[0]) == (made.target[0] - SPEED * PERIOD, made.target[0] + SPEED * PERIOD)


@pytest.mark.parametrize(
    ("start", "inside"), [(HIGH + 0.3, HIGH), (LOW - 0.3, LOW), (HIGH + 9.0, HIGH), (LOW - 9, LOW)]
)
def test_a_joint_that_starts_outside_is_brought_back_and_never_farther_out(start, inside):
    made = motion(FREE, start)
    margin = ENVELOPE.position_margin
    first = float(np.clip(start, LOW - margin, HIGH + margin))
    assert made.target[0] == first
    assert move(made, math.copysign(99.0, start)) == first
    assert move(made, inside) == pytest.approx(first - math.copysign(SPEED * PERIOD, start))
    for _ in range(10):
        move(made, inside)
    assert move(made, math.copysign(99.0, start)) == inside


@pytest.mark.parametrize("start", [math.nan, math.inf, -math.inf])
def test_a_start_that_is_not_finite_is_the_default_pose(start):
    assert motion(FREE, start).target[0] == SERVO.default_position


def test_a_joint_in_current_mode_has_the_position_limits_only():
    made = motion(SMOOTHEST, 0.1, MOTOR)
    assert not made.averages
    assert [move(made, each) for each in (1.5, -1.0, 2.0, -2.0)] == [1.5, -1.0, 1.5, -1.0]
    assert made.target[0] == 0.1
    made = motion(FREE, 1.8, MOTOR)
    assert move(made, 9.0) == 1.8


def test_each_joint_has_its_own_limits():
    limits = (FREE, SMOOTH, SMOOTHEST, SMOOTH)
    robot = robot_of(SERVO, LEG, SERVO.model_copy(update={"name": "other"}), MOTOR)
    made = TargetMotion(robot, SafetySettings(envelope=ENVELOPE, joints=limits), PERIOD)
    made.begin(np.zeros(4))
    assert made.tracking.tolist() == [True, True, True, False]
    targets = np.ones(4)
    made.move(targets)
    assert targets.tolist() == [pytest.approx(0.16), pytest.approx(0.016), pytest.approx(0.016 / 10), 1.0]
    free = np.zeros(4)
    alone = {limits: motion(limits) for limits in (FREE, SMOOTH, SMOOTHEST)}
    made.begin(np.zeros(4))
    for asked in np.sin(np.arange(60) / 3.0).tolist():
        free[:] = asked
        made.move(free)
        assert free[:3] == pytest.approx([move(alone[each], asked) for each in (FREE, SMOOTH, SMOOTHEST)], abs=1e-12)


def test_the_mean_is_over_as_many_ticks_as_the_jerk_needs():
    """2·40 / (400·0.02) = 10 ticks: a step of the target arrives after as many, and not before."""
    made = motion(SMOOTHEST)
    assert made.averages
    run(made, [0.016] * 9)
    assert made.target[0] == pytest.approx(0.0144)
    assert move(made, 0.016) == pytest.approx(0.016)
    exact = motion(JointSettings(acceleration_max=40.0, jerk_max=4000.0))
    assert not exact.averages
    assert motion(JointSettings(acceleration_max=40.0, jerk_max=3999.0)).averages


def test_following_puts_a_target_where_the_joint_is_at_rest():
    made = motion(SMOOTHEST)
    run(made, [1.0] * 30)
    made.follow(array(-0.4), np.array([True]))
    assert made.target[0] == -0.4
    targets = run(made, [1.0] * 50, -0.4)
    assert_bounded(targets, SMOOTHEST)
    made.follow(array(99.0), np.array([True]))
    assert made.target[0] == HIGH + ENVELOPE.position_margin
    made.follow(array(0.3), np.array([False]))
    made.follow(array(math.nan), np.array([True]))
    made.follow(array(math.inf), np.array([True]))
    assert made.target[0] == HIGH + ENVELOPE.position_margin


def test_following_moves_the_bounds_along():
    made = motion(FREE)
    made.follow(array(1.0), np.array([True]))
    assert (made.low[0], made.high[0]) == (pytest.approx(0.84), pytest.approx(1.16))
    made.begin(array(-0.5))
    assert (made.low[0], made.high[0]) == (pytest.approx(-0.66), pytest.approx(-0.34))


def test_begin_forgets_how_fast_a_target_was():
    made = motion(SMOOTHEST)
    run(made, [1.0] * 10)
    made.begin(array(0.0))
    assert_bounded(run(made, [1.0] * 50), SMOOTHEST)


@pytest.mark.parametrize(("elapsed", "step"), [(0.0, 0.0), (0.005, 0.04), (0.1, 0.8)])
def test_where_the_time_between_targets_varies_a_step_is_as_long_as_the_time_allows(elapsed, step):
    made = motion(FREE, period=0.1)
    made.allow_for(elapsed)
    assert move(made, 9.0) == pytest.approx(step)
    motor = motion(FREE, joint=MOTOR, period=0.1)
    motor.allow_for(elapsed)
    assert move(motor, 1.2) == 1.2


@given(st.lists(st.tuples(st.floats(-9.0, 9.0), st.floats(0.001, 0.1)), max_size=80))
def test_targets_at_any_rate_speed_up_no_faster_than_allowed_and_stop_before_the_limit(asked):
    made, speed, before, last = motion(SMOOTH, period=0.1), 0.0, 0.0, 0.1
    for target, elapsed in asked:
        made.allow_for(elapsed)
        after = move(made, target)
        assert LOW <= after <= HIGH
        change = (after - before) / elapsed - speed
        assert abs(change) <= 40.0 * last * (1 + 1e-6) + 1e-6
        speed, before, last = speed + change, after, elapsed


def test_no_time_is_no_reason_to_forget_the_speed():
    made = motion(SMOOTH, period=0.1)
    made.allow_for(0.1)
    first = move(made, 9.0)
    made.allow_for(0.0)
    assert move(made, 9.0) == first
    made.allow_for(0.01)
    assert move(made, 9.0) - first >= 0.01 * (first / 0.1)


@pytest.mark.parametrize(
    ("limits", "asked", "reason"),
    [
        (FREE, HIGH + 1e-9, Intervention.POSITION_TARGET),
        (FREE, LOW - 1e-9, Intervention.POSITION_TARGET),
        (FREE, 0.161, Intervention.POSITION_STEP),
        (FREE, -0.161, Intervention.POSITION_STEP),
        (SMOOTH, 0.161, Intervention.POSITION_STEP),
        (SMOOTH, 0.159, Intervention.POSITION_ACCELERATION),
        (SMOOTH, -0.159, Intervention.POSITION_ACCELERATION),
        (SMOOTHEST, 0.159, Intervention.POSITION_ACCELERATION),
        (SMOOTHEST, 0.015, Intervention.POSITION_JERK),
        (SMOOTHEST, HIGH, Intervention.POSITION_STEP),
        (SMOOTHEST, LOW, Intervention.POSITION_STEP),
    ],
)
def test_the_reason_is_the_first_limit_that_was_in_the_way(limits, asked, reason):
    made = motion(limits)
    move(made, asked)
    assert made.reason(0, asked) is reason


def test_a_step_on_its_limit_is_none_beyond_it():
    made = motion(SMOOTH)
    move(made, SPEED * PERIOD)
    assert made.reason(0, SPEED * PERIOD) is Intervention.POSITION_ACCELERATION


def test_a_wanted_target_that_moves_smoothly_is_caught_up_with_and_then_followed_to_the_bit():
    made = motion(SMOOTH)
    time = np.arange(1, 120) * PERIOD
    asked = 0.8 + 0.4 * np.sin(2.0 * time)  # far away at first; then at most 1.6 rad/s²
    targets = run(made, asked)[1:]
    assert targets[0] == pytest.approx(0.016)
    assert targets[40:].tolist() == asked[40:].tolist()
    assert_bounded(np.concatenate(([0.0], targets)), SMOOTH)


FOUR = (SERVO, LEG, SERVO.model_copy(update={"name": "smoothest"}), MOTOR)
FOUR_LIMITS = (FREE, SMOOTH, SMOOTHEST, SMOOTHEST)


@pytest.mark.parametrize("seed", range(8))
def test_joints_of_one_robot_move_as_each_would_alone(seed):
    rng = np.random.default_rng(seed)
    robot = TargetMotion(robot_of(*FOUR), SafetySettings(envelope=ENVELOPE, joints=FOUR_LIMITS), PERIOD)
    alone = [motion(limits, joint=joint) for joint, limits in zip(FOUR, FOUR_LIMITS, strict=True)]
    robot.begin(np.zeros(4))
    values, speed = np.zeros(4), np.zeros(4)
    for _ in range(200):
        speed += rng.uniform(-35.0, 35.0, 4) * PERIOD
        values = np.where(rng.random(4) < 0.05, rng.uniform(-2.5, 2.5, 4), values + speed * PERIOD)
        match rng.choice(["move", "follow", "allow_for"], p=[0.9, 0.05, 0.05]):
            case "allow_for":
                elapsed_s = rng.choice([0.0, PERIOD / 3, PERIOD])
                for each in (robot, *alone):
                    each.allow_for(elapsed_s)
            case "follow":
                which = rng.random(4) < 0.5
                places = np.where(rng.random(4) < 0.2, math.nan, rng.uniform(-2.0, 2.0, 4))
                robot.follow(places, which)
                for each, value in zip(np.array(alone)[which], places[which], strict=True):
                    each.follow(array(value), np.array([True]))
            case "move":
                wanted = values.copy()
                expected = [move(*pair) for pair in zip(alone, values, strict=True)]
                robot.move(wanted)
                # A longer mean of the same values may round otherwise.
                assert wanted == pytest.approx(expected, abs=1e-12)
        for name in ("target", "low", "high"):
            assert getattr(robot, name) == pytest.approx([getattr(each, name)[0] for each in alone], abs=1e-9)
