"""Laws of what joints do over time: they follow their targets, and do not push without moving."""

import math
from dataclasses import replace

import pytest
from envelope_robots import LEG, MOTOR, SERVO, array, robot_of, settings_of, state_of

from sim2real.runtime.envelope.joint_watch import STALL_TRAVEL, JointWatch
from sim2real.runtime.envelope.settings import JointSettings
from sim2real.runtime.verdict import Reason, Violation

TICK = 1 / 64  # adds up without rounding
TIME_MAX = 5 * TICK
LIMITS = JointSettings(tracking_error_max=0.3, stall_effort=1.0)


def watch(joint=SERVO, limits=LIMITS) -> JointWatch:
    made = JointWatch(robot_of(joint), settings_of(1, limits, tracking_time=TIME_MAX, frozen_after=100.0))
    made.begin(state_of(1))
    return made


def tick(made: JointWatch, count: int = 1, *, target: float = 0.0, position: float = 0.0, effort: float = 0.0) -> bool:
    for _ in range(count):
        well = made.update(state_of(1, position=position, effort=effort), array(target), array(TICK))
    return well


@pytest.mark.parametrize("joint", [SERVO, LEG])
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_joint_may_be_far_from_its_target_for_the_tracking_time(joint, sign):
    made = watch(joint)
    assert tick(made, 5, target=sign * 0.5)
    assert made.violations() == []
    assert not tick(made, 1, target=sign * 0.5)
    assert made.violations() == [Violation(Reason.TRACKING, 0, 0.5, 0.3)]
    assert tick(made, 1)
    assert made.violations() == []
    assert tick(made, 5, target=sign * 0.5)


def test_an_error_on_its_limit_is_allowed():
    assert tick(watch(), 100, target=0.3)
    assert not tick(watch(), 6, target=math.nextafter(0.3, 1.0))


def test_a_joint_that_follows_no_target_has_no_error():
    assert tick(watch(MOTOR), 100, target=5.0)


def test_without_limits_nothing_is_watched_but_encoders():
    made = watch(SERVO, JointSettings())
    assert tick(made, 100, target=5.0, effort=2.0)
    assert made.violations() == []


@pytest.mark.parametrize("joint", [SERVO, LEG, MOTOR])
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_joint_may_push_without_moving_for_the_tracking_time(joint, sign):
    made = watch(joint, JointSettings(stall_effort=1.0))
    assert tick(made, 5, effort=sign * 1.5)
    assert made.violations() == []
    assert not tick(made, 1, effort=sign * 1.5)
    assert made.violations() == [Violation(Reason.STALLED, 0, 1.5, 1.0)]
    assert tick(made, 1, effort=sign * 1.0)
    assert tick(made, 5, effort=sign * 1.5)


def test_an_effort_on_its_limit_is_allowed():
    assert tick(watch(), 100, effort=1.0)
    assert not tick(watch(), 6, effort=math.nextafter(1.0, 2.0))


def test_a_joint_that_moves_does_not_stall_however_it_comes_back():
    made = watch()
    for step in range(100):
        assert tick(made, 1, effort=1.5, position=(step % 7) * 0.01)


def test_creeping_within_the_play_of_a_gear_is_not_moving():
    assert STALL_TRAVEL == 0.02
    for step, well in ((0.0039, False), (0.0041, True)):
        made = watch()
        tick(made, 1, effort=1.5)
        for count in range(1, 6):
            last = tick(made, 1, effort=1.5, position=-count * step)
        assert last is well
    made = watch()
    tick(made, 2, effort=1.5, target=0.5, position=0.5)  # it has moved: the anchor is where it is now
    assert not tick(made, 5, effort=1.5, target=0.5, position=0.51)


def test_a_joint_that_moved_by_just_the_play_of_a_gear_has_not_moved():
    assert not tick(watch(), 6, effort=1.5, target=STALL_TRAVEL, position=STALL_TRAVEL)


def test_what_pushes_again_after_a_rest_is_measured_from_where_it_rests():
    made = watch()
    tick(made, 1, target=0.4, position=0.4)
    assert tick(made, 5, target=0.4, effort=1.5, position=0.4)
    assert not tick(made, 1, target=0.4, effort=1.5, position=0.4)


def test_begin_forgets_times_and_places():
    made = watch()
    tick(made, 5, target=0.5, effort=1.5)
    made.begin(state_of(1, position=0.3))
    assert tick(made, 5, target=0.8, effort=1.5, position=0.3)
    assert not tick(made, 1, target=0.8, effort=1.5, position=0.3)
    assert [violation.reason for violation in made.violations()] == [Reason.TRACKING, Reason.STALLED]


def test_a_joint_that_did_not_answer_adds_no_time():
    made = watch()
    for _ in range(100):
        assert made.update(state_of(1, effort=1.5), array(0.5), array(0.0))


@pytest.mark.parametrize("joint", [MOTOR, LEG])
def test_stuck_encoders_are_told_with_their_time_also_where_the_joint_is_near_its_target(joint):
    made = JointWatch(robot_of(joint), settings_of(1, LIMITS, frozen_after=10 * TICK))
    made.begin(state_of(1))
    for count in range(10):
        well = tick(made, 1, effort=0.6 if count < 5 else -0.6)
    assert not well
    assert made.violations() == [Violation(Reason.JOINT_FROZEN, 0, 10 * TICK, 10 * TICK)]


@pytest.mark.parametrize("limited", [0, 1])
def test_a_limit_of_one_joint_is_no_limit_of_the_other(limited):
    joints = [JointSettings(), JointSettings()]
    joints[limited] = LIMITS
    settings = replace(settings_of(2, tracking_time=TIME_MAX), joints=tuple(joints))
    for target, effort, reason in ((0.5, 0.0, Reason.TRACKING), (0.0, 1.5, Reason.STALLED)):
        made = JointWatch(robot_of(SERVO, LEG), settings)
        made.begin(state_of(2, effort=effort))
        for _ in range(6):
            made.update(state_of(2, effort=effort), array(target, target), array(TICK, TICK))
        assert [(found.reason, found.joint) for found in made.violations()] == [(reason, limited)]


def test_violations_name_their_joint():
    made = JointWatch(robot_of(SERVO, LEG), settings_of(2, LIMITS, tracking_time=TIME_MAX))
    made.begin(state_of(2))
    for _ in range(6):
        made.update(state_of(2), array(0.0, 0.5), array(TICK, TICK))
    assert made.violations() == [Violation(Reason.TRACKING, 1, 0.5, 0.3)]
