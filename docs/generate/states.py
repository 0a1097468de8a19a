"""The state machine of the runtime as a diagram and tables, from its transition table."""

from generate.svg import Box, Drawing, Point
from sim2real.runtime.states import LATCHED, TRANSITIONS, WITH_TORQUE, Action, Event, State

_WIDTH, _HEIGHT, _GAP, _ROW = 132, 46, 120, 170
# Column and row of each state; a state without a place is an error.
_PLACES = {
    State.DISCONNECTED: (0, 0),
    State.LIMP: (1, 0),
    State.FAULT: (2, 0),
    State.ESTOP: (3, 0),
    State.READY: (1, 1),
    State.RUNNING: (2, 1),
    State.DAMPING: (3, 1),
    State.LOWERING: (1, 2),
    State.REACTING: (2, 2),
}
_LEFT, _TOP = 14, 78
_MANY = 5
"""From so many states on, one arrow stands for all that an event leads away from."""
_POLICY = frozenset({State.READY, State.RUNNING, State.DAMPING})
_TORQUE_OFF = frozenset({State.LIMP, *LATCHED})

_ACTIONS = {
    Action.NOTHING: "nothing more than the state's own command in each tick",
    Action.OPEN_PORTS: "motors are found and configured, torque off",
    Action.SWITCH_ON: "torque on, holding the present pose; a new reading, from which the ramp begins",
    Action.INTERRUPT_RAMP: "the ramp waits, damped, and begins again from where the robot then is",
    Action.BEGIN_POLICY: "observations, actions and recurrent state start anew; the first targets are blended in",
    Action.BEGIN_LOWERING: "the ramp to the pose of rest begins at the last targets",
    Action.BEGIN_REACTION: "the time of the reaction to the fault begins",
    Action.SWITCH_OFF: "torque off on every motor that can be reached",
    Action.RECOVER: "tripped motors are set up again; everything is read, and must be in order",
    Action.CLOSE_PORTS: "torque off, ports closed",
}


def edges() -> dict[tuple[Event, State], frozenset[State]]:
    """Return, for each event and the state it leads to, the states in which it may happen."""
    found: dict[tuple[Event, State], frozenset[State]] = {}
    for (state, event), (target, _) in TRANSITIONS.items():
        found[event, target] = found.get((event, target), frozenset()) | {state}
    return found


def diagram() -> str:
    """Return the diagram as SVG.

    Raises:
        ValueError: The table has a transition for which the picture has no place.
    """
    boxes = {state: _box(state) for state in State}
    drawing = Drawing(946, 560, "States of the runtime and the events that lead from one to another")
    torque = _group(drawing, boxes, WITH_TORQUE, "torque on", below=60)
    policy = _group(drawing, boxes, _POLICY, "policy or its start pose", below=46)
    latched = _group(drawing, boxes, LATCHED, "latched, torque off", below=14)
    for state, box in boxes.items():
        drawing.box(box, state.name, kind="tint" if state in WITH_TORQUE else "warn" if state in LATCHED else "")
    for (event, target), sources in edges().items():
        box = boxes[target]
        if len(sources) >= _MANY:
            _from_everywhere(drawing, box, event, sources)
        elif sources == LATCHED:
            drawing.arrow(Point(latched.x, box.center.y), box.edge("right"), label=event.name)
        elif sources == _POLICY | {State.LOWERING} and target is State.LIMP:
            _up(drawing, torque, box, event)
        elif sources >= _POLICY:
            _down(drawing, policy, boxes, sources, target, event)
        else:
            _singly(drawing, boxes, sources, target, event)
    return drawing.render()


def table() -> str:
    """Return the transition table as Markdown: each event, where it may happen, what is done, and where it leads."""
    rows = ["| event | in the states | entry action | goes to |", "|---|---|---|---|"]
    for (event, target), sources in edges().items():
        names = [f"`{state.name}`" for state in State if state in sources]
        places = "every state" if len(names) == len(State) else ", ".join(names)
        (action,) = {TRANSITIONS[source, event].action for source in sources}
        rows.append(f"| `{event.name}` | {places} | {_ACTIONS[action]} | `{target.name}` |")
    return "\n".join(rows)


def _box(state: State) -> Box:
    column, row = _PLACES[state]
    return Box(_LEFT + column * (_WIDTH + _GAP), _TOP + row * _ROW, _WIDTH, _HEIGHT)


def _group(drawing: Drawing, boxes: dict[State, Box], states: frozenset[State], label: str, *, below: int) -> Box:
    around = None
    for state in states:
        around = boxes[state] if around is None else around.around(boxes[state])
    if around is None:
        raise ValueError(f"no state is {label}")
    around = Box(around.x - 14, around.y - 14, around.width + 28, around.height + 14 + below)
    drawing.box(around, kind="group")
    at = Point(around.x + around.width - 8, around.y + around.height + 16)
    drawing.text(at, label, "note", "end")
    return around


def _from_everywhere(drawing: Drawing, box: Box, event: Event, sources: frozenset[State]) -> None:
    missing = [state.name for state in State if state not in sources]
    drawing.arrow(Point(box.center.x, 38), box.edge("top"))
    text = "in every state" + (f" but {', '.join(missing)}" if missing else "")
    drawing.text(Point(box.center.x, 14), event.name, "note")
    drawing.text(Point(box.center.x, 30), text, "note")


def _up(drawing: Drawing, group: Box, target: Box, event: Event) -> None:
    x = target.center.x + 34
    drawing.arrow(Point(x, group.y), Point(x, target.y + target.height), label=event.name, above=False)


def _down(
    drawing: Drawing, group: Box, boxes: dict[State, Box], sources: frozenset[State], target: State, event: Event
) -> None:
    box = boxes[target]
    drawing.arrow(Point(box.center.x, group.y + group.height), box.edge("top"), label=event.name)
    for source in sources - _POLICY:
        _between(drawing, boxes, source, target, event)


def _singly(drawing: Drawing, boxes: dict[State, Box], sources: frozenset[State], target: State, event: Event) -> None:
    shown = {State.LIMP} if sources == _TORQUE_OFF else sources  # the ports are closed from FAULT and ESTOP, too
    for source in sorted(shown, key=lambda state: state.value):
        if (source, target, event) != (State.ESTOP, State.ESTOP, Event.FAULT):  # nothing changes: the table
            _between(drawing, boxes, source, target, event)


def _between(drawing: Drawing, boxes: dict[State, Box], source: State, target: State, event: Event) -> None:
    start, end = boxes[source], boxes[target]
    if source is target:
        drawing.loop(start, event.name)
        return
    both = any(other is source and state is target for (state, _), (other, _) in TRANSITIONS.items())
    shift = 9.0 if both else 0.0
    if start.y == end.y and abs(_PLACES[source][0] - _PLACES[target][0]) == 1:
        right = start.x < end.x
        sides, shift = (("right", "left"), -shift) if right else (("left", "right"), shift)
        drawing.arrow(start.edge(sides[0], shift), end.edge(sides[1], shift), label=event.name, above=shift <= 0)
    elif start.x == end.x and start.y < end.y:
        drawing.arrow(start.edge("bottom", -34), end.edge("top", -34), label=event.name)
    else:
        raise ValueError(f"no place in the picture for {event.name} from {source.name} to {target.name}")
