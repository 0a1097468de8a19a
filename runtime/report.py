"""The result of a run."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from sim2real.hardware.types import BusCounters, Float64Array
from sim2real.runtime.interventions import SafetyEvent
from sim2real.runtime.states import State
from sim2real.runtime.statistics import TickStatistics

_EVENTS_SHOWN = 20


@dataclass(frozen=True)
class RunSetting:
    """What was run, and where."""

    policy: str | None
    """The shipped name or the path; None for a policy that came from no file."""
    policy_sha256: str
    robot: str
    mode: Literal["lockstep", "emulated", "ports"]
    plant: str | None
    """Mechanics of the emulated robot; None for a real one."""
    ports: Mapping[str, str | None] | None = None
    """Path of each bus and IMU; None in lockstep, which has no ports."""
    notices: tuple[str, ...] = ()
    """What opening changed in motors and IMUs."""
    faults_injected: Mapping[str, int] | None = None
    """In lockstep, how often each kind of fault happened."""

    def document(self) -> dict[str, Any]:
        """Return plain data."""
        document: dict[str, Any] = {
            "policy": self.policy,
            "policy_sha256": self.policy_sha256,
            "robot": self.robot,
            "mode": self.mode,
            "plant": self.plant,
        }
        if self.faults_injected is not None:
            document["faults_injected"] = dict(self.faults_injected)
        if self.ports is not None:
            document |= {"ports": dict(self.ports), "notices": list(self.notices)}
        return document


@dataclass(frozen=True)
class RunReport:
    """The verdict of a run, and its figures."""

    ok: bool
    reasons: tuple[str, ...]
    """Why it is not ok; none if it is."""
    warnings: tuple[str, ...]
    final_state: State
    """State at the end, before torque was switched off."""
    goal: str
    """In words."""
    goal_reached: bool | None
    """None when the policy ran for less than the goal must be held, or was stopped before the end that is the goal."""
    stopped_by: str
    """`duration`, `fault`, the signal, or `hook`."""
    duration: float
    """s from torque on to the end."""
    ticks: int
    missed_ticks: int
    held_ticks: int
    """Ticks in which the last command was repeated because a reading was missing."""
    interventions: dict[str, int]
    """Number of interventions of safety, by reason."""
    events: tuple[SafetyEvent, ...]
    """The first interventions in full."""
    bus: BusCounters
    statistics: TickStatistics
    log: Path | None
    logged_ticks: int
    joints: tuple[str, ...]
    time: Float64Array = field(repr=False)
    """s since the first tick, (N,)."""
    position: Float64Array = field(repr=False)
    """rad, measured, (N, J)."""
    distance: Float64Array = field(repr=False)
    """From the goal, rad or m, (N,)."""
    swaps: tuple[tuple[int, str], ...] = ()
    """Ticks from which on another policy acted, and the SHA-256 of its file."""
    setting: RunSetting | None = None
    """None where the caller of the session knows it better, as in a scenario."""

    @property
    def interventions_total(self) -> int:
        """Number of interventions, all reasons together."""
        return sum(self.interventions.values())

    def document(self) -> dict[str, Any]:
        """Return plain data: everything but the trajectory, which is in the log."""
        bus = self.bus
        setting = self.setting.document() if self.setting is not None else {}
        return setting | {
            "ok": self.ok,
            "reasons": list(self.reasons),
            "warnings": list(self.warnings),
            "final_state": self.final_state.name,
            "goal": self.goal,
            "goal_reached": self.goal_reached,
            "stopped_by": self.stopped_by,
            "duration_s": self.duration,
            "ticks": self.ticks,
            "missed_ticks": self.missed_ticks,
            "held_ticks": self.held_ticks,
            "interventions": {"total": self.interventions_total, "by_reason": self.interventions},
            "events": [event.document() for event in self.events[:_EVENTS_SHOWN]],
            "bus": {
                "reads": bus.reads,
                "writes": bus.writes,
                "timeouts": bus.timeouts,
                "corrupt": bus.corrupt,
                "unexpected": bus.unexpected,
                "missed_by_joint": dict(bus.by_joint),
            },
            "tick_times": self.statistics.document(),
            "swaps": [{"tick": tick, "policy_sha256": digest} for tick, digest in self.swaps],
            "log": str(self.log) if self.log else None,
            "logged_ticks": self.logged_ticks,
        }


def noted(error: BaseException, problem: str) -> BaseException:
    """Return an exception with a note on what else went wrong, if anything did."""
    if problem:
        error.add_note(problem)
    return error
