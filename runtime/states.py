"""The robot's states as one transition table. Starting a process moves nothing: each step needs an event of its own.

DISCONNECTED ── open ──► LIMP ── enable ──► READY ── arrive ──► RUNNING ◄── recover ──► DAMPING
                            ▲                                                (damp)
                            └── disable, or acknowledge from FAULT and ESTOP, which are latched
"""

from enum import Enum, auto


class State(Enum):
    """State of the robot."""

    DISCONNECTED = auto()
    LIMP = auto()
    """Ports open, no torque."""
    READY = auto()
    """Torque on, moving to the start pose; it cannot be skipped."""
    RUNNING = auto()
    """The policy commands."""
    DAMPING = auto()
    """Torque on, motion damped, until readings recover."""
    FAULT = auto()
    """No torque, latched until acknowledged."""
    ESTOP = auto()
    """No torque: a person pressed the emergency stop. Latched until acknowledged."""


class Event(Enum):
    """What changes the state."""

    OPEN = auto()
    ENABLE = auto()
    ARRIVE = auto()
    """The start pose is reached."""
    DAMP = auto()
    RECOVER = auto()
    DISABLE = auto()
    FAULT = auto()
    ESTOP = auto()
    ACKNOWLEDGE = auto()
    """A person has seen the fault or emergency stop and removed its cause."""
    CLOSE = auto()


TRANSITIONS: dict[tuple[State, Event], State] = {
    (State.DISCONNECTED, Event.OPEN): State.LIMP,
    (State.LIMP, Event.ENABLE): State.READY,
    (State.LIMP, Event.CLOSE): State.DISCONNECTED,
    (State.READY, Event.ARRIVE): State.RUNNING,
    # Stale readings during the ramp: it waits, damped, then restarts from where the robot is.
    (State.READY, Event.DAMP): State.READY,
    (State.RUNNING, Event.DAMP): State.DAMPING,
    (State.DAMPING, Event.DAMP): State.DAMPING,
    # Short losses only: after `communication_loss` the same condition is a fault.
    (State.DAMPING, Event.RECOVER): State.RUNNING,
    (State.READY, Event.DISABLE): State.LIMP,
    (State.RUNNING, Event.DISABLE): State.LIMP,
    (State.DAMPING, Event.DISABLE): State.LIMP,
    (State.FAULT, Event.ACKNOWLEDGE): State.LIMP,
    (State.ESTOP, Event.ACKNOWLEDGE): State.LIMP,
    # A fault and an emergency stop are legal everywhere, and neither is undone by the other.
    **{(state, Event.FAULT): State.FAULT for state in State if state is not State.ESTOP},
    (State.ESTOP, Event.FAULT): State.ESTOP,
    **{(state, Event.ESTOP): State.ESTOP for state in State},
}
"""The legal transitions; any other pair is a programming error."""

WITH_TORQUE = frozenset({State.READY, State.RUNNING, State.DAMPING})
LATCHED = frozenset({State.FAULT, State.ESTOP})


class IllegalTransitionError(Exception):
    """An event that is not legal in the current state."""


class StateMachine:
    """Holds the current state."""

    def __init__(self) -> None:
        self._state = State.DISCONNECTED

    @property
    def state(self) -> State:
        """The current state."""
        return self._state

    def fire(self, event: Event) -> State:
        """Make the transition of an event; return the new state.

        Raises:
            IllegalTransitionError: The table has no such pair; the state stays.
        """
        target = TRANSITIONS.get((self._state, event))
        if target is None:
            valid = ", ".join(known.name for state, known in TRANSITIONS if state is self._state)
            raise IllegalTransitionError(f"{event.name} in state {self._state.name}; valid: {valid}")
        self._state = target
        return target
