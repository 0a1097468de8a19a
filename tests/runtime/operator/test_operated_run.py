"""Laws of a run with an operator: nothing moves before a start, and what is asked for is done in the next tick."""

import numpy as np
import pytest

from sim2real.configs.load import load_robot, load_task
from sim2real.runtime.contract.spec import contract_of
from sim2real.runtime.emulation import lockstep
from sim2real.runtime.operator.requests import OperatorRequests
from sim2real.runtime.ring import RingReader, SharedRing
from sim2real.runtime.run_options import RunOptions
from sim2real.runtime.session import run_session
from sim2real.runtime.states import State
from sim2real.runtime.stop import StopRequest
from sim2real.runtime.tick_fields import row_layout


class ScriptedOperator:
    """Does something at the n-th poll."""

    def __init__(self, commands=0, **at):
        self.values = np.full(commands, np.nan)
        self.alive_ns = -1
        self.stop = self.emergency = False
        self.resets = self.starts = self.polls = 0
        self._at = at

    def poll(self):
        self.polls += 1
        for name, poll in self._at.items():
            if poll == self.polls:
                before = getattr(self, name)
                setattr(self, name, True if isinstance(before, bool) else before + 1)


def run(policy, robot, fake, operator, **options):
    return run_session(policy, robot, fake, fake.clock, RunOptions(operator=operator, wait_for_start=True, **options))


def still(_observation):
    return 0.0


def test_torque_stays_off_until_a_start(policy_of, robot, fake):
    operator = ScriptedOperator(starts=200)
    fake.at_read[190] = lambda _state: torque.append((fake.torque, len(fake.commands), list(fake.calls)))
    torque = []
    report = run(policy_of(still), robot, fake, operator, duration=0.5)
    assert report.final_state is State.RUNNING
    assert torque == [(False, 0, ["open"])]
    assert report.ticks < 70  # two seconds of waiting are no part of the run


@pytest.mark.parametrize(("at", "told"), [({"starts": 20}, [True, False]), ({"stop": 20}, [True])])
def test_the_begin_and_the_end_of_the_wait_are_told_without_torque(policy_of, robot, fake, at, told):
    heard = []
    run(
        policy_of(still),
        robot,
        fake,
        ScriptedOperator(**at),
        duration=0.1,
        on_wait=lambda begins: heard.append((begins, fake.torque)),
    )
    assert heard == [(begins, False) for begins in told]


def test_a_start_from_before_the_robot_was_there_does_not_count(policy_of, robot, fake):
    operator = ScriptedOperator(starts=1, stop=50)
    report = run(policy_of(still), robot, fake, operator)
    assert "enable" not in fake.calls
    assert report.stopped_by == "operator"


@pytest.mark.parametrize("asked", ["stop", "emergency"])
def test_what_ends_a_run_also_ends_the_wait_for_a_start(policy_of, robot, fake, asked):
    report = run(policy_of(still), robot, fake, ScriptedOperator(**{asked: 20}))
    assert "enable" not in fake.calls
    assert report.stopped_by == "operator"


def test_a_start_while_readings_are_missing_is_not_made_up_for_later(policy_of, robot, fake):
    fake.lost = lambda read: 20 <= read < 32  # as long as a reading may be old, and longer
    operator = ScriptedOperator(starts=30, stop=80)
    report = run(policy_of(still), robot, fake, operator)
    assert "enable" not in fake.calls
    assert report.stopped_by == "operator"


def test_an_emergency_stop_is_estop_and_torque_off_in_the_next_tick(policy_of, robot, fake):
    operator = ScriptedOperator(starts=10, emergency=100, stop=110)
    report = run(policy_of(still), robot, fake, operator)
    assert report.final_state is State.ESTOP
    assert not fake.torque
    assert not report.ok
    assert "emergency stop by operator" in report.reasons[0]


def test_the_ring_shows_the_wait_the_run_and_how_it_ended(policy_of, robot, fake, contract):
    ring = SharedRing(row_layout(contract))
    reader = RingReader(ring.fd)
    fake.position[:] = -2.0
    run(policy_of(still), robot, fake, ScriptedOperator(starts=10, emergency=400, stop=410), ring=ring)
    states = []
    while (row := reader.pop()) is not None:
        state = reader.layout.plain(row)["state"]
        if not states or states[-1] != state:
            states.append(state)
    assert states == ["LIMP", "READY", "RUNNING", "ESTOP"]
    ring.close()
    reader.close()


@pytest.mark.parametrize("silent", [False, True])
def test_a_device_that_falls_silent_damps_the_robot_and_then_it_is_a_fault(policy_of, fake, silent):
    robot = load_robot("pendulum", ("safety.operator_timeout=0.3 s", "safety.damping_max=1 s"))
    operator, states = ScriptedOperator(starts=10), []

    def look(controller):
        states.append(controller.state.name)
        if not silent or len(states) < 100:
            operator.alive_ns = fake.clock.now_ns()

    report = run(policy_of(still), robot, fake, operator, duration=4.0, on_tick=look)
    order = [state for state, before in zip(states, [None, *states], strict=False) if state != before]
    if silent:
        assert order[:2] == ["RUNNING", "DAMPING"]
        assert 99 + 30 <= states.index("DAMPING") <= 99 + 32
        assert report.final_state is State.FAULT
        assert not report.ok
        assert any("operator lost" in reason for reason in report.reasons)
    else:
        assert order == ["RUNNING"]
        assert report.final_state is State.RUNNING


def test_commands_reach_the_policy_inside_their_ranges():
    robot = load_robot("quadruped")
    contract = contract_of(load_task("quadruped_walk"))
    seen = []

    class Policy:
        digest, provenance, path = "", {}, None

        def __init__(self):
            self.contract = contract

        def act(self, observation):
            return np.zeros((1, contract.action_size), np.float32)

    operator = ScriptedOperator(commands=3)
    operator.values[:] = [0.2, 7.0, np.nan]
    world = lockstep(robot, plant="inertia")
    run_session(
        Policy(),
        robot,
        world.hardware,
        world.clock,
        RunOptions(
            operator=operator,
            duration=0.2,
            commands={"turn": 0.3},
            on_tick=lambda controller: seen.append(controller.record.operator_command.tolist()),
        ),
    )
    assert seen
    assert all(each == [0.2, contract.commands[1].high, 0.3] for each in seen)


def test_without_an_operator_nobody_asks_for_anything():
    stop, taken = StopRequest(), []
    requests = OperatorRequests(None, stop, taken.append)
    requests.wake()
    requests.poll()
    requests.forget()
    assert not any((requests.present, requests.reset, requests.start))
    assert not stop.cause
    assert taken == []
