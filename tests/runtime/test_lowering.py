"""Laws of the pose of rest: an orderly end moves there slowly, in bounded time; everything else ends it."""

import numpy as np
import pytest

from sim2real.configs.load import load_robot
from sim2real.runtime.run_options import RunOptions
from sim2real.runtime.session import run_session
from sim2real.runtime.states import State
from sim2real.runtime.stop import StopRequest

REST = 1.5
SPEED = 1.0
ROBOT = load_robot("pendulum", (f"rest={{pose: {{pivot: {REST} rad}}, speed: {SPEED} rad/s, timeout: 4 s}}",))


def still(_observation):
    return 0.0


def run(policy, fake, robot=ROBOT, **options):
    states = []

    def watch(controller):
        states.append(controller.state)
        if "act" in acts:
            acts["act"](controller)

    acts = {"act": options.pop("act")} if "act" in options else {}
    report = run_session(policy, robot, fake, fake.clock, RunOptions(on_tick=watch, **options))
    return report, states


def test_the_robot_is_lowered_at_the_speed_of_its_yaml_before_torque_goes_off(policy_of, fake):
    report, states = run(policy_of(still), fake, duration=0.5)
    assert report.ok, report.reasons
    assert report.final_state is State.RUNNING
    assert report.warnings == ()
    lowering = report.position[np.array(states) == State.LOWERING, 0]
    assert abs(lowering[-1] - REST) <= ROBOT.ready.tolerance
    assert np.abs(np.diff(lowering)).max() / 0.01 < 2 * SPEED
    assert not fake.torque


def test_a_first_stop_lowers_and_a_second_one_ends_that(policy_of, fake):
    stop = StopRequest()

    def press(controller):
        if controller.record.tick in (50, 80):
            stop.stop("test")

    report, states = run(policy_of(still), fake, stop=stop, act=press)
    assert report.ok, report.reasons
    assert report.stopped_by == "test"
    assert states.count(State.LOWERING) == 30
    assert not fake.torque


@pytest.mark.parametrize(("press", "state"), [("emergency_stop", State.ESTOP), ("stop", State.RUNNING)])
def test_what_ends_a_run_ends_the_lowering(policy_of, fake, press, state):
    stop = StopRequest()

    def later(controller):
        if controller.state is State.LOWERING:
            getattr(stop, press)("test")

    report, states = run(policy_of(still), fake, duration=0.5, stop=stop, act=later)
    assert report.final_state is state
    assert states.count(State.LOWERING) == 1
    assert not fake.torque


def test_a_fault_while_lowering_is_a_fault(policy_of, fake):
    def heat(controller):
        if controller.state is State.LOWERING:
            fake.at_read[fake.reads + 10] = lambda state: state.temperature.fill(200.0)

    report, _ = run(policy_of(still), fake, duration=0.5, act=heat)
    assert report.final_state is State.FAULT
    assert not report.ok
    assert not fake.torque


def test_a_pose_that_is_not_reached_in_time_is_a_warning(policy_of, fake):
    short = load_robot("pendulum", (f"rest={{pose: {{pivot: {REST} rad}}, speed: {SPEED} rad/s, timeout: 500 ms}}",))
    report, states = run(policy_of(still), fake, short, duration=0.5)
    assert report.ok, report.reasons
    assert any("pose of rest was not reached" in warning for warning in report.warnings)
    assert abs(states.count(State.LOWERING) - 50) <= 2
    assert not fake.torque


def test_after_a_fault_and_without_a_pose_torque_goes_off_at_once(policy_of, fake, robot):
    report, states = run(policy_of(still), fake, robot, duration=0.5)
    assert State.LOWERING not in states
    assert report.ok
