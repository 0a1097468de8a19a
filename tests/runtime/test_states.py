"""Laws of the state machine, over every pair of state and event."""

import itertools

import pytest

from sim2real.runtime.states import (
    LATCHED,
    TRANSITIONS,
    WITH_TORQUE,
    Action,
    Event,
    IllegalTransitionError,
    State,
    StateMachine,
    Transition,
)

WAYS = {
    State.DISCONNECTED: [],
    State.LIMP: [Event.OPEN],
    State.READY: [Event.OPEN, Event.ENABLE],
    State.RUNNING: [Event.OPEN, Event.ENABLE, Event.ARRIVE],
    State.DAMPING: [Event.OPEN, Event.ENABLE, Event.ARRIVE, Event.DAMP],
    State.LOWERING: [Event.OPEN, Event.ENABLE, Event.LOWER],
    State.REACTING: [Event.OPEN, Event.ENABLE, Event.REACT],
    State.FAULT: [Event.FAULT],
    State.ESTOP: [Event.ESTOP],
}

EXPECTED = """
DISCONNECTED OPEN    LIMP         OPEN_PORTS
DISCONNECTED FAULT   FAULT        SWITCH_OFF
DISCONNECTED ESTOP   ESTOP        SWITCH_OFF
LIMP         ENABLE  READY        SWITCH_ON
LIMP         FAULT   FAULT        SWITCH_OFF
LIMP         ESTOP   ESTOP        SWITCH_OFF
LIMP         CLOSE   DISCONNECTED CLOSE_PORTS
READY        ARRIVE  RUNNING      BEGIN_POLICY
READY        DAMP    READY        INTERRUPT_RAMP
READY        LOWER   LOWERING     BEGIN_LOWERING
READY        DISABLE LIMP         SWITCH_OFF
READY        REACT   REACTING     BEGIN_REACTION
READY        FAULT   FAULT        SWITCH_OFF
READY        ESTOP   ESTOP        SWITCH_OFF
RUNNING      DAMP    DAMPING      NOTHING
RUNNING      LOWER   LOWERING     BEGIN_LOWERING
RUNNING      DISABLE LIMP         SWITCH_OFF
RUNNING      REACT   REACTING     BEGIN_REACTION
RUNNING      FAULT   FAULT        SWITCH_OFF
RUNNING      ESTOP   ESTOP        SWITCH_OFF
DAMPING      DAMP    DAMPING      NOTHING
DAMPING      RECOVER RUNNING      BEGIN_POLICY
DAMPING      LOWER   LOWERING     BEGIN_LOWERING
DAMPING      DISABLE LIMP         SWITCH_OFF
DAMPING      REACT   REACTING     BEGIN_REACTION
DAMPING      FAULT   FAULT        SWITCH_OFF
DAMPING      ESTOP   ESTOP        SWITCH_OFF
LOWERING     DAMP    LOWERING     INTERRUPT_RAMP
LOWERING     DISABLE LIMP         SWITCH_OFF
LOWERING     REACT   REACTING     BEGIN_REACTION
LOWERING     FAULT   FAULT        SWITCH_OFF
LOWERING     ESTOP   ESTOP        SWITCH_OFF
REACTING     FAULT   FAULT        SWITCH_OFF
REACTING     ESTOP   ESTOP        SWITCH_OFF
FAULT        RESET   LIMP         RECOVER
FAULT        FAULT   FAULT        SWITCH_OFF
FAULT        ESTOP   ESTOP        SWITCH_OFF
FAULT        CLOSE   DISCONNECTED CLOSE_PORTS
ESTOP        RESET   LIMP         RECOVER
ESTOP        FAULT   ESTOP        SWITCH_OFF
ESTOP        ESTOP   ESTOP        SWITCH_OFF
ESTOP        CLOSE   DISCONNECTED CLOSE_PORTS
"""
"""The whole table a second time: whoever changes it changes it twice."""


def machine_in(state: State) -> tuple[StateMachine, list[Action]]:
    """A machine in a state, and the actions that it runs from there on."""
    done: list[Action] = []
    machine = StateMachine({action: lambda action=action: done.append(action) for action in Action})
    for event in WAYS[state]:
        machine.fire(event)
    assert machine.state is state
    done.clear()
    return machine, done


def test_the_table_is_this_one():
    expected = {}
    for line in EXPECTED.split("\n")[1:-1]:
        state, event, target, action = line.split()
        expected[State[state], Event[event]] = Transition(State[target], Action[action])
    assert expected == TRANSITIONS


@pytest.mark.parametrize(("state", "event"), list(itertools.product(State, Event)))
def test_every_pair_goes_where_the_table_says_with_its_action_or_is_refused(state, event):
    machine, done = machine_in(state)
    if (state, event) in TRANSITIONS:
        target, action = TRANSITIONS[state, event]
        assert machine.fire(event) is target
        assert machine.state is target
        assert done == [action]
    else:
        valid = ", ".join(known.name for start, known in TRANSITIONS if start is state)
        with pytest.raises(IllegalTransitionError, match=rf"^{event.name} in state {state.name}; valid: {valid}$"):
            machine.fire(event)
        assert machine.state is state
        assert done == []


@pytest.mark.parametrize(("state", "event"), list(TRANSITIONS))
def test_an_action_that_raises_leaves_the_state_but_a_fault_and_an_emergency_stop_stay(state, event):
    def fail() -> None:
        raise RuntimeError(event.name)

    failing = False
    machine = StateMachine({action: lambda: fail() if failing else None for action in Action})
    for each in WAYS[state]:
        machine.fire(each)
    failing = True
    with pytest.raises(RuntimeError, match=event.name):
        machine.fire(event)
    target = TRANSITIONS[state, event].target
    assert machine.state is (target if target in LATCHED else state)


def test_an_action_that_makes_a_transition_of_its_own_decides_the_state():
    machine = StateMachine(
        {action: (lambda: machine.fire(Event.FAULT)) if action is Action.SWITCH_ON else int for action in Action}
    )
    machine.fire(Event.OPEN)
    assert machine.fire(Event.ENABLE) is State.FAULT
    assert machine.state is State.FAULT


def test_a_machine_without_one_of_the_actions_is_refused():
    with pytest.raises(ValueError, match=r"^no function for SWITCH_OFF, CLOSE_PORTS$"):
        StateMachine({action: int for action in Action if action not in (Action.SWITCH_OFF, Action.CLOSE_PORTS)})


def test_the_start_pose_cannot_be_skipped():
    into_running = {key for key, (target, _) in TRANSITIONS.items() if target is State.RUNNING}
    assert into_running == {(State.READY, Event.ARRIVE), (State.DAMPING, Event.RECOVER)}
    into_damping = {state for (state, _), (target, _) in TRANSITIONS.items() if target is State.DAMPING}
    assert into_damping == {State.RUNNING, State.DAMPING}


def test_torque_comes_on_by_one_event_alone():
    on = {
        (state, event)
        for (state, event), (target, _) in TRANSITIONS.items()
        if state not in WITH_TORQUE and target in WITH_TORQUE
    }
    assert on == {(State.LIMP, Event.ENABLE)}


def test_whatever_leaves_the_states_with_torque_switches_it_off():
    for (state, event), (target, action) in TRANSITIONS.items():
        if state in WITH_TORQUE and target not in WITH_TORQUE:
            assert action is Action.SWITCH_OFF, (state, event)


@pytest.mark.parametrize("state", sorted(LATCHED, key=lambda state: state.name))
def test_fault_and_emergency_stop_are_latched_until_a_reset_or_the_end(state):
    ways_out = {event for (start, event), (to, _) in TRANSITIONS.items() if start is state and to not in LATCHED}
    assert ways_out == {Event.RESET, Event.CLOSE}
    assert TRANSITIONS[state, Event.RESET].target is State.LIMP


@pytest.mark.parametrize("state", list(State))
def test_a_fault_and_an_emergency_stop_are_legal_everywhere(state):
    assert TRANSITIONS[state, Event.ESTOP].target is State.ESTOP
    expected = State.ESTOP if state is State.ESTOP else State.FAULT
    assert TRANSITIONS[state, Event.FAULT].target is expected


def test_every_state_can_be_reached_and_left():
    assert {target for target, _ in TRANSITIONS.values()} == set(State)
    assert {state for state, _ in TRANSITIONS} == set(State)


def test_the_values_of_the_states_are_those_of_the_logs_so_far():
    names = ["DISCONNECTED", "LIMP", "READY", "RUNNING", "DAMPING", "FAULT", "ESTOP", "LOWERING", "REACTING"]
    assert [State(number).name for number in range(1, 10)] == names
    assert {State.READY, State.RUNNING, State.DAMPING, State.LOWERING, State.REACTING} == WITH_TORQUE
    assert {State.FAULT, State.ESTOP} == LATCHED
