"""Laws of the state machine, over every pair of state and event."""

import itertools

import pytest

from sim2real.runtime.states import (
    LATCHED,
    TRANSITIONS,
    WITH_TORQUE,
    Event,
    IllegalTransitionError,
    State,
    StateMachine,
)

WAYS = {
    State.DISCONNECTED: [],
    State.LIMP: [Event.OPEN],
    State.READY: [Event.OPEN, Event.ENABLE],
    State.RUNNING: [Event.OPEN, Event.ENABLE, Event.ARRIVE],
    State.DAMPING: [Event.OPEN, Event.ENABLE, Event.ARRIVE, Event.DAMP],
    State.FAULT: [Event.FAULT],
    State.ESTOP: [Event.ESTOP],
}


def machine_in(state: State) -> StateMachine:
    machine = StateMachine()
    for event in WAYS[state]:
        machine.fire(event)
    assert machine.state is state
    return machine


@pytest.mark.parametrize(("state", "event"), list(itertools.product(State, Event)))
def test_every_pair_goes_where_the_table_says_or_is_refused(state, event):
    machine = machine_in(state)
    if (state, event) in TRANSITIONS:
        assert machine.fire(event) is TRANSITIONS[state, event]
        assert machine.state is TRANSITIONS[state, event]
    else:
        with pytest.raises(IllegalTransitionError, match=f"{event.name} in state {state.name}; valid: "):
            machine.fire(event)
        assert machine.state is state


def test_the_start_pose_cannot_be_skipped():
    into_running = {(state, event) for (state, event), target in TRANSITIONS.items() if target is State.RUNNING}
    assert into_running == {(State.READY, Event.ARRIVE), (State.DAMPING, Event.RECOVER)}
    into_damping = {state for (state, _), target in TRANSITIONS.items() if target is State.DAMPING}
    assert into_damping == {State.RUNNING, State.DAMPING}


def test_torque_comes_on_by_one_event_alone():
    on = {
        (state, event)
        for (state, event), target in TRANSITIONS.items()
        if state not in WITH_TORQUE and target in WITH_TORQUE
    }
    assert on == {(State.LIMP, Event.ENABLE)}


@pytest.mark.parametrize("state", sorted(LATCHED, key=lambda state: state.name))
def test_fault_and_emergency_stop_are_latched_until_acknowledged(state):
    ways_out = {event for (start, event), target in TRANSITIONS.items() if start is state and target not in LATCHED}
    assert ways_out == {Event.ACKNOWLEDGE}
    assert TRANSITIONS[state, Event.ACKNOWLEDGE] is State.LIMP


@pytest.mark.parametrize("state", list(State))
def test_a_fault_and_an_emergency_stop_are_legal_everywhere(state):
    assert TRANSITIONS[state, Event.ESTOP] is State.ESTOP
    expected = State.ESTOP if state is State.ESTOP else State.FAULT
    assert TRANSITIONS[state, Event.FAULT] is expected


def test_every_state_can_be_reached_and_left():
    assert set(TRANSITIONS.values()) == set(State)
    assert {state for state, _ in TRANSITIONS} == set(State)
