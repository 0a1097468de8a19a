"""Laws of recovery: nothing goes on by itself; a reset needs a robot in order, and a start is another step."""

import numpy as np
import pytest

from sim2real.hardware.errors import HardwareError, TorqueOnError
from sim2real.runtime.run_options import RunOptions
from sim2real.runtime.session import run_session
from sim2real.runtime.states import State


class Person:
    """Asks by the number of the poll, and notes nothing."""

    def __init__(self, **at: int) -> None:
        self.values = np.full(0, np.nan)
        self.alive_ns = -1
        self.stop = self.emergency = False
        self.resets = self.starts = self.polls = 0
        self.at = at

    def poll(self) -> None:
        self.polls += 1
        self.resets = sum(self.polls >= at for name, at in self.at.items() if name.startswith("reset"))
        self.starts = sum(self.polls >= at for name, at in self.at.items() if name.startswith("start"))
        self.stop = self.polls >= self.at.get("stop", 10**9)
        pressed = self.polls >= self.at.get("emergency", 10**9)
        self.emergency = pressed and self.resets == 0


def still(_observation):
    return 0.0


def hot(state):
    state.temperature.fill(200.0)


def run(policy, robot, fake, person, **options):
    states = []

    def watch(controller):
        if not states or states[-1] is not controller.state:
            states.append(controller.state)

    options = RunOptions(operator=person, on_tick=watch, **options)
    return run_session(policy, robot, fake, fake.clock, options), states


def test_after_a_fault_the_run_waits_for_a_reset_and_a_start(policy_of, robot, fake):
    fake.at_read[60] = hot
    report, states = run(policy_of(still), robot, fake, Person(reset=150, start=250, stop=400))
    assert states == [State.READY, State.RUNNING, State.FAULT, State.LIMP, State.READY, State.RUNNING] or states == [
        State.RUNNING,
        State.FAULT,
        State.LIMP,
        State.RUNNING,
    ]
    assert fake.calls.count("enable") == 2
    assert fake.calls.count("recover") == 1
    assert report.ok, report.reasons
    assert report.stopped_by == "operator"
    assert any("reset by the operator after: temperature" in warning for warning in report.warnings)


def test_a_start_without_a_reset_does_nothing(policy_of, robot, fake):
    fake.at_read[60] = hot
    report, states = run(policy_of(still), robot, fake, Person(start=150, stop=300))
    assert states[-1] is State.FAULT
    assert fake.calls.count("enable") == 1
    assert report.final_state is State.FAULT
    assert not report.ok


def test_a_reset_while_the_cause_is_there_is_refused(policy_of, robot, fake):
    for read in range(60, 1000):
        fake.at_read[read] = hot
    report, states = run(policy_of(still), robot, fake, Person(reset=150, start=200, stop=300))
    assert states[-1] is State.FAULT
    assert any(warning.startswith("reset refused: temperature of joint pivot") for warning in report.warnings)
    assert report.reasons == ("fault: temperature of joint pivot: 200 degC, limit 70 degC",)


def test_a_reset_of_a_motor_that_does_not_recover_is_refused(policy_of, robot, fake):
    def fail():
        raise HardwareError("motor 1 still reports overload")

    fake.recover = fail
    fake.at_read[60] = hot
    report, states = run(policy_of(still), robot, fake, Person(reset=150, start=200, stop=300))
    assert states[-1] is State.FAULT
    assert "reset refused: motor 1 still reports overload" in report.warnings


def test_an_emergency_stop_of_the_operator_is_reset_by_the_operator(policy_of, robot, fake):
    report, states = run(policy_of(still), robot, fake, Person(emergency=60, reset=150, start=250, stop=400))
    assert State.ESTOP in states
    assert states[-1] is State.RUNNING
    assert fake.calls.count("enable") == 2
    assert report.ok, report.reasons


@pytest.mark.parametrize("asked", ["reset", "start"])
def test_what_was_asked_before_the_fault_is_not_meant_for_it(policy_of, robot, fake, asked):
    fake.at_read[100] = hot
    _, states = run(policy_of(still), robot, fake, Person(**{asked: 60, "stop": 300}))
    assert states[-1] is State.FAULT
    assert fake.calls.count("enable") == 1


@pytest.mark.parametrize("poll", range(103, 108))
@pytest.mark.parametrize("asked", ["reset", "start"])
def test_what_was_asked_in_another_state_is_not_meant_for_this_one(policy_of, robot, fake, asked, poll):
    """Whatever the tick: the one that finds the fault was polled before anyone could see it."""
    found = []
    person = Person(**({"reset": poll} if asked == "reset" else {"reset": 150, "start": poll}), stop=300)

    def latch(state):
        hot(state)
        found.append(person.polls)

    fake.at_read[100] = latch
    _, states = run(policy_of(still), robot, fake, person)
    seen = poll > found[0]  # the operator asked after the tick that found it
    wanted = State.LIMP if asked == "start" or seen else State.FAULT
    assert states[-1] is wanted
    assert fake.calls.count("enable") == 1


def test_a_start_while_a_reset_is_at_work_is_not_kept(policy_of, robot, fake):
    person, recover = Person(reset=150, stop=300), fake.recover

    def slowly():
        recover()
        person.at["start"] = person.polls  # meanwhile

    fake.recover = slowly
    fake.at_read[60] = hot
    _, states = run(policy_of(still), robot, fake, person)
    assert states[-1] is State.LIMP
    assert fake.calls.count("enable") == 1


def test_a_start_that_fails_is_a_fault_with_torque_off(policy_of, robot, fake):
    enable = fake.enable

    def once():
        if "enable" in fake.calls:
            raise HardwareError("joint 'pivot' refused")
        enable()

    fake.enable = once
    fake.at_read[60] = hot
    report, states = run(policy_of(still), robot, fake, Person(reset=150, start=250, stop=400))
    assert states[-1] is State.FAULT
    assert "start refused: joint 'pivot' refused" in report.warnings
    assert not report.ok
    assert not fake.torque


def test_a_device_that_raises_is_a_fault(policy_of, robot, fake):
    person = Person(stop=300)
    poll = person.poll

    def fail():
        poll()
        if person.polls == 60:
            raise ValueError("cable")

    person.poll = fail
    report, _ = run(policy_of(still), robot, fake, person)
    assert report.reasons == ("fault: internal error: the operator's device raised ValueError: cable",)
    assert not fake.torque


def test_a_stop_ends_a_reset_and_a_start_at_work(policy_of, robot, fake):
    fake.at_read[60] = hot
    report, _ = run(policy_of(still), robot, fake, Person(reset=150, stop=151))
    assert report.final_state is State.FAULT
    assert report.stopped_by == "fault"
    assert "recover" not in fake.calls


def test_a_stop_ends_a_start_at_work(policy_of, robot, fake):
    fake.at_read[60] = hot
    report, _ = run(policy_of(still), robot, fake, Person(reset=150, start=250, stop=251))
    assert report.final_state is State.LIMP
    assert fake.calls.count("enable") == 1
    assert not fake.torque


def test_a_reset_that_is_refused_twice_is_one_warning(policy_of, robot, fake):
    for read in range(60, 1000):
        fake.at_read[read] = hot
    report, _ = run(policy_of(still), robot, fake, Person(reset1=150, reset2=170, stop=300))
    assert len([warning for warning in report.warnings if warning.startswith("reset refused")]) == 1


def test_torque_off_is_sent_again_while_the_run_waits_and_no_reset_goes_on_without_it(policy_of, robot, fake):
    disable, tries = fake.disable, []

    def deaf():
        tries.append(fake.reads)
        if len(tries) < 120:
            raise TorqueOnError(("pivot",))
        disable()

    fake.disable = deaf
    fake.at_read[60] = hot
    report, states = run(policy_of(still), robot, fake, Person(reset1=100, reset2=250, start=280, stop=400))
    assert any(warning.startswith("reset refused: torque off was not confirmed") for warning in report.warnings)
    assert states[-1] is State.RUNNING
    assert report.ok, report.reasons


def test_a_port_that_is_lost_while_the_run_waits_is_no_exception(policy_of, robot, fake):
    fake.port_lost_from = 60
    report, states = run(policy_of(still), robot, fake, Person(reset=100, stop=200))
    assert states[-1] is State.FAULT
    assert report.reasons[0] == "fault: port lost"


def test_a_fault_while_waiting_for_the_first_start_ends_the_run(policy_of, robot, fake):
    fake.at_read[30] = hot
    report, _ = run(policy_of(still), robot, fake, Person(start=100, stop=200), wait_for_start=True)
    assert report.final_state is State.FAULT
    assert "enable" not in fake.calls
