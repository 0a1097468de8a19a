"""The robot's states as one table of transitions, each with its entry action.

Starting a process moves nothing: each step needs an event of its own.

DISCONNECTED ── open ──► LIMP ── enable ──► READY ── arrive ──► RUNNING ◄── recover ──► DAMPING
                            ▲                                                (damp)
                            └── disable, or reset from FAULT and ESTOP, which are latched
"""

from collections.abc import Callable, Mapping
from enum import Enum, auto
from typing import NamedTuple


class State(Enum):
    """State of the robot. The values are written to logs."""

    DISCONNECTED = 1
    LIMP = 2
    """Ports open, no torque."""
    READY = 3
    """Torque on, moving to the start pose; it cannot be skipped."""
    RUNNING = 4
    """The policy commands."""
    DAMPING = 5
    """Torque on, motion damped, until readings recover."""
    FAULT = 6
    """No torque, latched until a reset."""
    ESTOP = 7
    """No torque: a person pressed the emergency stop. Latched until a reset."""
    LOWERING = 8
    """Torque on, moving to the pose of rest at the end of a run."""
    REACTING = 9
    """Torque on after a fault whose reaction is to damp, hold or go limp; FAULT follows."""


class Event(Enum):
    """What changes the state."""

    OPEN = auto()
    ENABLE = auto()
    ARRIVE = auto()
    """The start pose is reached."""
    DAMP = auto()
    RECOVER = auto()
    LOWER = auto()
    """The run ends, and the robot has a pose of rest."""
    DISABLE = auto()
    REACT = auto()
    """A fault whose reaction needs torque for a while."""
    FAULT = auto()
    """A fault whose reaction is torque off, or the end of a reaction."""
    ESTOP = auto()
    RESET = auto()
    """A person has removed the cause of the fault or emergency stop."""
    CLOSE = auto()


class Action(Enum):
    """What is done when a transition is made."""

    NOTHING = auto()
    """The state's own command of each tick is all."""
    OPEN_PORTS = auto()
    """Motors are found and configured, torque off."""
    SWITCH_ON = auto()
    """Torque on, holding the present pose; a new reading; the ramp will begin at it."""
    INTERRUPT_RAMP = auto()
    """The ramp waits, damped, and begins again from where the robot then is."""
    BEGIN_POLICY = auto()
    """Observations and actions start anew; the first targets are blended in."""
    BEGIN_LOWERING = auto()
    """The ramp to the pose of rest begins at the last targets."""
    BEGIN_REACTION = auto()
    """The time of the reaction begins."""
    SWITCH_OFF = auto()
    """Torque off on every motor that can be reached."""
    RECOVER = auto()
    """Tripped motors are set up again, everything is read and must be in order."""
    CLOSE_PORTS = auto()
    """Torque off, ports closed."""


class Transition(NamedTuple):
    """The target of an event, and what is done on the way."""

    target: State
    action: Action


_POLICY = (State.READY, State.RUNNING, State.DAMPING)
_MOVING = (*_POLICY, State.LOWERING)
_TORQUE_OFF = (State.LIMP, State.FAULT, State.ESTOP)

TRANSITIONS: dict[tuple[State, Event], Transition] = {
    (State.DISCONNECTED, Event.OPEN): Transition(State.LIMP, Action.OPEN_PORTS),
    (State.LIMP, Event.ENABLE): Transition(State.READY, Action.SWITCH_ON),
    (State.READY, Event.ARRIVE): Transition(State.RUNNING, Action.BEGIN_POLICY),
    # Stale readings during a ramp: it waits, damped, then restarts from where the robot is.
    (State.READY, Event.DAMP): Transition(State.READY, Action.INTERRUPT_RAMP),
    (State.LOWERING, Event.DAMP): Transition(State.LOWERING, Action.INTERRUPT_RAMP),
    (State.RUNNING, Event.DAMP): Transition(State.DAMPING, Action.NOTHING),
    (State.DAMPING, Event.DAMP): Transition(State.DAMPING, Action.NOTHING),
    # Only within safety's deadline: after `damping_max` the same condition is a fault.
    (State.DAMPING, Event.RECOVER): Transition(State.RUNNING, Action.BEGIN_POLICY),
    **{(state, Event.LOWER): Transition(State.LOWERING, Action.BEGIN_LOWERING) for state in _POLICY},
    **{(state, Event.DISABLE): Transition(State.LIMP, Action.SWITCH_OFF) for state in _MOVING},
    **{(state, Event.REACT): Transition(State.REACTING, Action.BEGIN_REACTION) for state in _MOVING},
    # A fault and an emergency stop are legal everywhere, and neither is undone by the other.
    **{(state, Event.FAULT): Transition(State.FAULT, Action.SWITCH_OFF) for state in State if state is not State.ESTOP},
    (State.ESTOP, Event.FAULT): Transition(State.ESTOP, Action.SWITCH_OFF),
    **{(state, Event.ESTOP): Transition(State.ESTOP, Action.SWITCH_OFF) for state in State},
    (State.FAULT, Event.RESET): Transition(State.LIMP, Action.RECOVER),
    (State.ESTOP, Event.RESET): Transition(State.LIMP, Action.RECOVER),
    **{(state, Event.CLOSE): Transition(State.DISCONNECTED, Action.CLOSE_PORTS) for state in _TORQUE_OFF},
}
"""The legal transitions; any other pair is a programming error."""

WITH_TORQUE = frozenset({*_MOVING, State.REACTING})
LATCHED = frozenset({State.FAULT, State.ESTOP})


class IllegalTransitionError(Exception):
    """An event that is not legal in the current state."""


class StateMachine:
    """Holds the current state, and runs the entry action of each transition.

    Args:
        actions: What to call for each action. One that raises leaves the state as it was, but for FAULT and ESTOP.

    Raises:
        ValueError: An action is missing.
    """

    def __init__(self, actions: Mapping[Action, Callable[[], None]]) -> None:
        missing = [action.name for action in Action if action not in actions]
        if missing:
            raise ValueError(f"no function for {', '.join(missing)}")
        self._actions = dict(actions)
        self._state = State.DISCONNECTED

    @property
    def state(self) -> State:
        """The current state."""
        return self._state

    def fire(self, event: Event) -> State:
        """Make the transition of an event, and run its action; return the new state.

        Raises:
            IllegalTransitionError: The table has no such pair; the state stays.
        """
        transition = TRANSITIONS.get((self._state, event))
        if transition is None:
            valid = ", ".join(known.name for state, known in TRANSITIONS if state is self._state)
            raise IllegalTransitionError(f"{event.name} in state {self._state.name}; valid: {valid}")
        before, self._state = self._state, transition.target
        try:
            self._actions[transition.action]()
        except BaseException:
            if transition.target not in LATCHED:
                self._state = before
            raise
        return self._state
