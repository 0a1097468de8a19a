"""Laws of what follows a fault: the reaction of the YAML for its time, then torque off, latched."""

import numpy as np
import pytest

from sim2real.configs.load import load_robot
from sim2real.runtime.run_options import RunOptions
from sim2real.runtime.session import run_session
from sim2real.runtime.states import State

FAULT_TIME = 0.5


def robot_with(reaction: str, fault: str = "TEMPERATURE"):
    return load_robot("pendulum", (f"safety.on_fault={{{fault}: {reaction}}}", f"safety.fault_time={FAULT_TIME} s"))


def hot(state):
    state.temperature.fill(200.0)


def run(policy, robot, fake, **options):
    states = []
    options.setdefault("on_tick", lambda controller: states.append(controller.state))
    report = run_session(policy, robot, fake, fake.clock, RunOptions(duration=3.0, **options))
    return report, states


@pytest.mark.parametrize("reaction", ["damp", "hold", "limp"])
def test_a_reaction_keeps_torque_for_its_time_and_then_it_is_off(policy_of, fake, reaction):
    for read in range(60, 400):
        fake.at_read[read] = hot
    report, states = run(policy_of(lambda _: 0.3), robot_with(reaction), fake)
    assert report.final_state is State.FAULT
    assert report.reasons == ("fault: temperature of joint pivot: 200 degC, limit 70 degC",)
    assert abs(states.count(State.REACTING) - FAULT_TIME * 100) <= 1
    assert states[-1] is State.FAULT
    assert not fake.torque
    during = np.array(fake.commands)[-states.count(State.REACTING) + 2 :, 0]
    if reaction == "limp":
        assert (during == 0.0).all()
    if reaction == "damp":
        assert (during * fake.velocity[0] <= 0.0).all()


def test_without_a_named_reaction_torque_goes_off_in_the_tick_of_the_fault(policy_of, fake):
    fake.at_read[60] = hot
    report, states = run(policy_of(lambda _: 0.3), load_robot("pendulum"), fake)
    assert report.final_state is State.FAULT
    assert State.REACTING not in states
    assert fake.reads == 60


def test_a_worse_fault_ends_a_reaction_at_once(policy_of, fake):
    for read in range(60, 400):
        fake.at_read[read] = hot
    fake.at_read[70] = lambda state: state.position.fill(np.nan)
    report, states = run(policy_of(lambda _: 0.3), robot_with("damp"), fake)
    assert report.final_state is State.FAULT
    assert states.count(State.REACTING) == 10
    assert fake.reads == 70


def two_reactions(first: str, second: str):
    on_fault = f"safety.on_fault={{TEMPERATURE: {first}, VOLTAGE: {second}}}"
    return load_robot("pendulum", (on_fault, f"safety.fault_time={FAULT_TIME} s"))


def applied_after(policy, robot, fake):
    """Run with a hot motor from the 60th reading on and a wrong voltage from the 70th; return the reactions applied."""
    applied, states = [], []
    fake.at_read[60] = hot
    fake.at_read[70] = lambda state: state.voltage.fill(99.0)

    def watch(controller):
        states.append(controller.state)
        if controller.record.tick == 1:
            react = controller.safety.react
            controller.safety.react = lambda reaction, *rest: (applied.append(reaction), react(reaction, *rest))[1]

    report, _ = run(policy, robot, fake, on_tick=watch)
    assert report.final_state is State.FAULT
    assert abs(states.count(State.REACTING) - FAULT_TIME * 100) <= 1
    return applied, [reason.partition(" of ")[0] for reason in report.reasons]


@pytest.mark.parametrize(("first", "second"), [("hold", "damp"), ("hold", "limp"), ("damp", "limp")])
def test_the_stronger_reaction_to_a_later_fault_takes_over_at_once_within_the_same_time(policy_of, fake, first, second):
    applied, reasons = applied_after(policy_of(lambda _: 0.3), two_reactions(first, second), fake)
    assert applied[:10] == [first] * 10
    assert set(applied[10:]) == {second}
    assert reasons[0] == "fault: temperature"
    assert "voltage" in reasons[1]


@pytest.mark.parametrize(("first", "second"), [("damp", "hold"), ("limp", "hold"), ("limp", "damp")])
def test_a_weaker_reaction_never_takes_over(policy_of, fake, first, second):
    applied, reasons = applied_after(policy_of(lambda _: 0.3), two_reactions(first, second), fake)
    assert set(applied) == {first}
    assert reasons == ["fault: temperature"]


def test_the_same_fault_goes_on_and_does_not_prolong_its_reaction(policy_of, fake):
    fake.at_read[60] = hot  # and well again afterwards: the fault stays
    report, states = run(policy_of(lambda _: 0.3), robot_with("hold"), fake)
    assert report.final_state is State.FAULT
    assert abs(states.count(State.REACTING) - FAULT_TIME * 100) <= 1


def test_a_stop_during_a_reaction_ends_it_and_the_fault_stays(policy_of, fake):
    fake.at_read[60] = hot

    def stop(controller):
        if controller.record.tick == 70:
            options["stop"].stop("test")

    from sim2real.runtime.stop import StopRequest

    options = {"stop": StopRequest(), "on_tick": stop}
    report, _ = run(policy_of(lambda _: 0.3), robot_with("hold"), fake, **options)
    assert report.final_state is State.FAULT
    assert report.ticks == 70
    assert not fake.torque


def test_an_emergency_stop_during_a_reaction_is_an_emergency_stop(policy_of, fake):
    fake.at_read[60] = hot

    def stop(controller):
        if controller.record.tick == 70:
            options["stop"].emergency_stop("test")

    from sim2real.runtime.stop import StopRequest

    options = {"stop": StopRequest(), "on_tick": stop}
    report, _ = run(policy_of(lambda _: 0.3), robot_with("hold"), fake, **options)
    assert report.final_state is State.ESTOP
    assert not fake.torque


def test_damping_that_recovers_in_time_goes_on_and_after_its_time_it_is_a_fault(policy_of, fake):
    robot = load_robot("pendulum", ("safety.damping_max=300 ms",))
    fake.lost = lambda read: read >= 60 and read % 20 < 12  # 120 ms of each 200 ms, again and again
    report, states = run(policy_of(lambda _: 0.0), robot, fake)
    assert State.DAMPING in states
    assert State.RUNNING in states[states.index(State.DAMPING) :]
    assert report.final_state is State.FAULT
    assert any("damping too long" in reason for reason in report.reasons)
    assert not fake.torque


def test_a_fault_of_damping_too_long_names_what_was_damped_for(policy_of, fake):
    robot = load_robot("pendulum", ("safety.damping_max=300 ms",))
    fake.lost = lambda read: read >= 60 and read % 20 < 12
    report, _ = run(policy_of(lambda _: 0.0), robot, fake)
    assert report.final_state is State.FAULT
    said = [reason.partition(":")[2].partition(":")[0].strip() for reason in report.reasons]
    assert {each.partition(" of ")[0] for each in said} == {"damping too long", "stale reading"}
