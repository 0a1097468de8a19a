"""Events of a run, found by comparing each tick with the one before: changes of state, interventions, faults."""

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

_QUIET_NS: Final = 1_000_000_000  # a limit that is at work every other tick is one event a second


class LogEvent(NamedTuple):
    """One event."""

    time_ns: int
    level: str
    """info, warning or error"""
    about: str
    """state, safety, motors, loop or operator"""
    message: str


class EventFinder:
    """Finds the events of one run.

    Args:
        joints: Names, in the order of joint arrays.
    """

    def __init__(self, joints: tuple[str, ...]) -> None:
        self._joints = joints
        self._last: dict[str, Any] = {}
        self._said_ns: dict[str, int] = {}

    def of_tick(self, tick: dict[str, Any]) -> list[LogEvent]:
        """Return the events of a tick, given as `RowLayout.plain` makes it."""
        last, self._last = self._last, tick
        now_ns = tick["time_ns"]
        events = []
        for level, about, message in self._changes(last, tick):
            said_ns = self._said_ns.get(message)
            if about == "state" or said_ns is None or now_ns - said_ns >= _QUIET_NS:
                self._said_ns[message] = now_ns  # bounded: so many reasons, limits and joints
                events.append(LogEvent(now_ns, level, about, message))
        return events

    def _changes(self, last: dict[str, Any], tick: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
        state = tick["state"]
        if last.get("state") != state:
            level = {"FAULT": "error", "ESTOP": "error", "DAMPING": "warning"}.get(state, "info")
            yield level, "state", f"{last['state']} → {state}" if last else state
        for reason in tick["reasons"]:
            if reason not in last.get("reasons", ()):
                yield ("error" if state == "FAULT" else "warning"), "safety", _words(reason)
        if tick["missed"]:
            yield "warning", "loop", "ticks missed"
        yield from self._of_joints(last, tick)
        if last and tick.get("asked", ()) != last.get("asked", ()):
            yield "info", "operator", "operator commands changed"

    def _of_joints(self, last: dict[str, Any], tick: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
        for index, joint in enumerate(self._joints):
            before = last["interventions"][index] if last else ()
            for limit in tick["interventions"][index]:
                if limit not in before:
                    yield "warning", "safety", f"command of joint {joint} limited: {_words(limit)}"
            if tick["faults"][index] and not (last and last["faults"][index] == tick["faults"][index]):
                yield "error", "motors", f"joint {joint} reports a fault: bits {tick['faults'][index]}"
            if not tick["fresh"][index] and not (last and not last["fresh"][index]):
                yield "warning", "motors", f"joint {joint} did not answer"


def _words(name: str) -> str:
    return name.lower().replace("_", " ")
