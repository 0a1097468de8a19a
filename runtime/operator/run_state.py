"""`RunState`: a run as a view, a panel or a socket's client sees it, made from its ticks."""

from collections import Counter, deque
from collections.abc import Mapping
from math import isfinite
from typing import Any, Final

from sim2real.hardware.clock import NS_PER_S
from sim2real.runtime.operator.briefing import Briefing

_WINDOW_NS: Final = NS_PER_S  # of the rate that is shown
_WINDOW_TICKS: Final = 4096  # bounds the memory at any control rate
_EVENTS: Final = 8

_JOINT_FIELDS: Final = ("position", "velocity", "effort", "temperature", "voltage", "fresh", "faults")
_FAULT: Final = "FAULT"
_WITHOUT_TORQUE: Final = ("DISCONNECTED", "LIMP", "FAULT", "ESTOP")


class RunState:
    """Takes ticks as plain data by field, names instead of numbers, and counts what happened in them."""

    def __init__(self, briefing: Briefing) -> None:
        self.briefing = briefing
        self.tick: Mapping[str, Any] | None = None
        """The last tick; None before the first."""
        self.missed = 0
        """Ticks that were skipped."""
        self.interventions: Counter[str] = Counter()
        """Ticks by what safety did in them: the reason, or the limit."""
        self.events: deque[str] = deque(maxlen=_EVENTS)
        """Changes of state, the newest last."""
        self.fault: tuple[str, ...] = ()
        """Reasons of the last fault."""
        self._first_ns: int | None = None
        self._running_ns: int | None = None
        self._rows = 0  # in LIMP ticks have no number
        self._recent: deque[tuple[int, int]] = deque(maxlen=_WINDOW_TICKS)

    @property
    def state(self) -> str | None:
        """Name of the robot's state; None before the first tick."""
        return None if self.tick is None else str(self.tick["state"])

    @property
    def rate(self) -> float | None:
        """Ticks per second in the last second, Hz; None until two are known."""
        if len(self._recent) < 2 or self._recent[-1][0] == self._recent[0][0]:
            return None
        (first_ns, first), (last_ns, last) = self._recent[0], self._recent[-1]
        return (last - first) * NS_PER_S / (last_ns - first_ns)

    @property
    def elapsed(self) -> float:
        """Time from the first tick to the last, s."""
        return (
            0.0 if self.tick is None or self._first_ns is None else (self.tick["time_ns"] - self._first_ns) / NS_PER_S
        )

    @property
    def policy_time(self) -> float:
        """Time since the policy first ran, s."""
        if self.tick is None or self._running_ns is None:
            return 0.0
        return float(self.tick["time_ns"] - self._running_ns) / NS_PER_S

    def take(self, tick: Mapping[str, Any]) -> None:
        """Take the next tick."""
        time_ns, state, before = tick["time_ns"], str(tick["state"]), self.state
        self.tick = tick
        if self._first_ns is None:
            self._first_ns = time_ns
        if tick["ran"] and self._running_ns is None:
            self._running_ns = time_ns
        self._rows += 1
        self._recent.append((time_ns, self._rows))
        while time_ns - self._recent[0][0] > _WINDOW_NS and len(self._recent) > 2:
            self._recent.popleft()
        self.missed += tick["missed"]
        reasons = tuple(tick["reasons"])
        limits = {name for joint in tick["interventions"] for name in joint}
        self.interventions.update({*reasons, *limits})
        if state != before:
            why = f": {', '.join(reasons)}" if reasons else ""
            self.events.append(f"{self.elapsed:.2f} s {state}{why}")
            self.fault = reasons if state == _FAULT else () if state == "LIMP" else self.fault

    def target(self, joint: int) -> float | None:
        """Return where a joint was last told to go, rad; None while it has no torque."""
        if self.tick is None or self.state in _WITHOUT_TORQUE:
            return None
        return float(self.tick["command_position"][joint])

    def document(self) -> dict[str, Any]:
        """Return it as plain data; numbers that are not finite are None."""
        tick = self.tick
        joints = {
            name: {field: tick[field][place] for field in _JOINT_FIELDS if field in tick}
            | {"command": self.target(place), "limits": tick["interventions"][place]}
            for place, name in enumerate(self.briefing.joints)
            if tick is not None
        }
        commands = [] if tick is None else tick.get("asked", [])
        document = {
            "state": self.state,
            "tick": 0 if tick is None else tick["tick"],
            "time_s": self.elapsed,
            "policy_s": self.policy_time,
            "rate_hz": self.rate,
            "missed": self.missed,
            "reasons": [] if tick is None else list(tick["reasons"]),
            "fault": list(self.fault),
            "joints": joints,
            "commands": dict(zip((command.name for command in self.briefing.commands), commands, strict=False)),
            "interventions": {"total": self.interventions.total(), "by_reason": dict(self.interventions)},
            "events": list(self.events),
        }
        plain: dict[str, Any] = _finite(document)
        return plain


def _finite(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """Return plain data in which numbers that are not finite are None."""
    if isinstance(value, dict):
        return {key: _finite(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_finite(each) for each in value]
    return None if isinstance(value, float) and not isfinite(value) else value
