"""Report of a log: one HTML page with verdict, figures, and the result of a bit-exact replay."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import numpy as np

from sim2real.configs.errors import UserError
from sim2real.hardware.clock import NS_PER_S
from sim2real.hardware.types import BoolArray, Float64Array
from sim2real.report.advice import advice_on_run
from sim2real.report.goal_figure import draw_goal
from sim2real.report.html_page import Advice, Exhibit, Listing, Row, write_page
from sim2real.report.joint_figure import joint_figure
from sim2real.report.log_rewards import evaluated
from sim2real.report.run_figures import motor_figure, state_figure, timing_figure
from sim2real.runtime.contract.goal import Goal
from sim2real.runtime.contract.signals import Signals
from sim2real.runtime.contract.spec import Contract
from sim2real.runtime.hil.evidence import PICTURE, REASONS
from sim2real.runtime.limits import POSITION_TRACKING_MODES
from sim2real.runtime.log import RunLog, signals_of
from sim2real.runtime.log_plan import LOG_LEVELS
from sim2real.runtime.replay import Replay, replay
from sim2real.runtime.states import State
from sim2real.runtime.tick_fields import FIELD, array_of

_EVENTS_SHOWN: Final = 200
_FILMED: Final = (
    "The joints as they were measured, up to the end. A base stays where it starts: no sensor says where it went."
)
_OF_JOINT: Final = re.compile(r"joint (\w+) (.+)")
_LEVEL_NAMES: Final = {number: name for name, number in LOG_LEVELS.items()}


@dataclass(frozen=True)
class LogReport:
    """Summary of a log."""

    replay: Replay
    duration: float
    """Time from the first tick to the last, s."""
    states: dict[str, int]
    """Ticks in each state."""
    reasons: dict[str, int]
    """Ticks in which safety blocked the policy, by reason."""
    interventions: dict[str, int]
    """Commands that safety limited, by limit, summed over joints."""
    missed: int
    """Skipped ticks."""
    held: int
    """Ticks in which a joint did not answer."""

    @property
    def log(self) -> RunLog:
        """The log."""
        return self.replay.log

    @property
    def verdict(self) -> str:
        """Result of the run in one sentence."""
        run = self.log.run
        end = "was cut off"
        if "final_state" in run:
            end = f"ended in {run['final_state']} by {run['stopped_by']}"
        elif run.get("stopped_by") == "killed":
            end = "was killed"
        return f"{self.log.contract.task} on {self.log.contract.robot.name}: the run {end} after {self.duration:.2f} s."

    @property
    def reached_its_end(self) -> bool:
        """Whether the run ended in state RUNNING."""
        return self.log.run.get("final_state") == State.RUNNING.name

    def document(self) -> dict[str, Any]:
        """Return plain data."""
        log = self.log
        return {
            "kind": "log",
            "task": log.contract.task,
            "robot": log.contract.robot.name,
            "policy_sha256": log.metadata.get("policy_sha256"),
            "complete": log.complete,
            "final_state": log.run.get("final_state"),
            "stopped_by": log.run.get("stopped_by"),
            "duration_s": self.duration,
            "ticks": len(log.ticks),
            "states": self.states,
            "missed_ticks": self.missed,
            "held_ticks": self.held,
            "reasons_of_safety": self.reasons,
            "interventions": self.interventions,
            "replays_exactly": not self.replay.reasons,
        }


def report_log(path: Path, page: Path, video: Path | None = None) -> LogReport:
    """Read a log and write its page.

    Args:
        path: A log of `sim2real run`.
        page: The HTML file.
        video: A video of what the joints did, for the page.

    Raises:
        UserError: The log cannot be read or has no ticks, or the page cannot be written.
    """
    result = replay(path)
    ticks = result.log.ticks
    if not ticks:
        raise UserError(f"{path}: the log has no ticks")
    time = np.array([tick["time_ns"] for tick in ticks], np.int64)
    report = LogReport(
        replay=result,
        duration=float(time[-1] - time[0]) / NS_PER_S,
        states=dict(Counter(tick["state"] for tick in ticks)),
        reasons=dict(Counter(reason for tick in ticks for reason in tick["reasons"])),
        interventions=dict(Counter(limit for tick in ticks for joint in tick["interventions"] for limit in joint)),
        missed=sum(tick["missed"] for tick in ticks),
        held=sum(not all(tick["fresh"]) for tick in ticks),
    )
    with TemporaryDirectory(prefix="sim2real-report-") as folder:
        exhibits = _exhibits(report, (time - time[0]) / NS_PER_S, Path(folder), path)
        if video is not None:
            exhibits.append(Exhibit("Video", video, _FILMED))
        footer = f"Written by: sim2real report {path}"
        write_page(page, f"Run of {path.name}", report.reached_its_end, report.verdict, _rows(report), exhibits, footer)
    return report


def _rows(report: LogReport) -> list[Row]:
    log, result = report.log, report.replay
    return [
        Row("policy", (log.metadata.get("policy_sha256") or "unknown")[:12], "SHA-256"),
        Row("ticks", str(len(log.ticks)), _listed(report.states)),
        Row("missed ticks", str(report.missed), f"{report.held} in which a joint did not answer"),
        Row("safety", str(sum(report.reasons.values())), _listed(report.reasons)),
        Row("limited commands", str(sum(report.interventions.values())), _listed(report.interventions)),
        Row("replay", "differs" if result.reasons else "bit for bit", "; ".join(result.reasons)),
        Row("log", "complete" if log.complete else "cut off or damaged"),
    ]


def _exhibits(report: LogReport, time: Float64Array, folder: Path, path: Path) -> list[Exhibit | Listing | Advice]:
    log, contract = report.log, report.log.contract
    signals, goal = signals_of(log.ticks), Goal(contract, len(log.ticks))
    advice = advice_on_run(report.reasons, report.interventions, report.missed, report.held, len(log.ticks))
    exhibits: list[Exhibit | Listing | Advice] = [*_failures(path), Advice(advice), *_picture(path)]
    exhibits.append(_states(log, time, folder))
    exhibits += _rewards(log)
    if log.events:
        exhibits.append(_events(log))
    if goal.spec.kind != "finish":  # there is no distance from the end
        position = dict(zip(contract.joint_names, signals.joint_position.T, strict=True))
        draw_goal(goal, time, position, goal.distance(signals), log.running, folder / "goal.svg")
        exhibits.append(Exhibit("Goal", folder / "goal.svg", goal.words))
    exhibits += _joints(log, contract, signals, time, folder)
    exhibits += _motors(log, contract, time, folder)
    if log.ticks and log.ticks[0].get("work_ns") is not None:
        exhibits.append(_timing(log, contract, folder))
    return exhibits


def _failures(log: Path) -> list[Listing]:
    """Return what was not as a scenario expected, where `hil` left that beside the log."""
    reasons = log.with_name(REASONS)
    if not reasons.is_file():
        return []
    return [Listing("Not as expected", [Row(line, "") for line in reasons.read_text(encoding="utf-8").splitlines()])]


def _picture(log: Path) -> list[Exhibit]:
    """Return the picture that `hil` left beside the log of a failed scenario."""
    picture = log.with_name(PICTURE)
    return [Exhibit("The scenario", picture)] if picture.is_file() and log.with_name(REASONS).is_file() else []


def _rewards(log: RunLog) -> list[Listing]:
    """Return what the run earned by term, from the robot's measurements; nothing where the task is not known here."""
    try:
        figures = evaluated(log)
    except (UserError, ValueError):  # made with modules or a model that are not here
        return []
    rows = [Row(name.removeprefix("reward/"), f"{value:.4g}") for name, value in figures.items()]
    return [Listing("Rewards", rows, "The task's return and its terms, from the robot's measurements.")] if rows else []


def _states(log: RunLog, time: Float64Array, folder: Path) -> Exhibit:
    path = folder / "states.svg"
    happened = {
        "safety blocked": [bool(tick["reasons"]) for tick in log.ticks],
        "safety limited": [any(tick["interventions"]) for tick in log.ticks],
        "no reply": [not all(tick["fresh"]) for tick in log.ticks],
        "motor fault": [any(tick["faults"]) for tick in log.ticks],
        "ticks missed": [tick["missed"] > 0 for tick in log.ticks],
    }
    marks = {what: time[np.array(ticks, bool)] for what, ticks in happened.items()}
    state_figure(time, [tick["state"] for tick in log.ticks], marks, path)
    return Exhibit("States", path, "The state in which each command was made, and what happened when.")


def _events(log: RunLog) -> Listing:
    first_ns = log.ticks[0]["time_ns"]
    told = together([*log.events, *log.notices])
    rows = [
        Row(
            f"{(_time_ns(event) - first_ns) / NS_PER_S:.2f}\N{NO-BREAK SPACE}s",
            _LEVEL_NAMES.get(event["level"], str(event["level"])),
            message,
        )
        for event, message in told[:_EVENTS_SHOWN]
    ]
    left = len(told) - _EVENTS_SHOWN
    return Listing("Events", rows, f"And {left} more, in the log." if left > 0 else "")


def together(events: Sequence[dict[str, Any]]) -> list[tuple[dict[str, Any], str]]:
    """Return events with their messages; what happened to several joints in one tick is one."""
    found: dict[tuple[object, ...], tuple[dict[str, Any], list[str]]] = {}
    for event in events:
        joint = _OF_JOINT.fullmatch(event["message"])
        what = event["message"] if joint is None else joint[2]
        key = (_time_ns(event), event["level"], joint is None, what)
        found.setdefault(key, (event, []))[1].append("" if joint is None else joint[1])
    return [
        (event, event["message"] if len(joints) == 1 else f"joints {', '.join(joints)} {key[-1]}")
        for key, (event, joints) in found.items()
    ]


def _time_ns(event: dict[str, Any]) -> int:
    return int(event["timestamp"]["sec"] * NS_PER_S + event["timestamp"]["nsec"])


def _motors(log: RunLog, contract: Contract, time: Float64Array, folder: Path) -> list[Exhibit]:
    found = []
    for name, quantity in (("temperature", "temperature, °C"), ("voltage", "supply, V")):
        values = array_of(FIELD[name], [tick[name] for tick in log.ticks])
        if np.isfinite(values).any():
            path = folder / f"{name}.svg"
            motor_figure(time, contract.joint_names, values, quantity, path)
            found.append(Exhibit(f"Motors: {name}", path))
    return found


def _timing(log: RunLog, contract: Contract, folder: Path) -> Exhibit:
    path = folder / "timing.svg"
    names = {"lateness": "lateness_ns", "read": "read_ns", "policy": "policy_ns", "whole tick": "work_ns"}
    times = {text: np.array([tick[field] for tick in log.ticks]) / 1e6 for text, field in names.items()}
    timing_figure(times, 1e3 / contract.control_rate, path)
    return Exhibit("Times of the tick", path, "How late ticks began, and how long they and their parts took.")


def _joints(log: RunLog, contract: Contract, signals: Signals, time: Float64Array, folder: Path) -> list[Exhibit]:
    """Plot positions of position-controlled joints, and efforts of the others."""
    tracking = np.array([joint.mode in POSITION_TRACKING_MODES for joint in contract.robot.joints])
    found = []
    for name, quantity, which, measured in (
        ("position", "position, rad", tracking, signals.joint_position),
        ("effort", "effort, N·m", ~tracking, signals.joint_effort),
    ):
        if which.any():
            commanded = array_of(FIELD[f"command_{name}"], [tick[f"command_{name}"] for tick in log.ticks])
            path = folder / f"{name}.svg"
            joint_figure(time, _names(contract, which), measured[:, which], commanded[:, which], quantity, path)
            found.append(Exhibit(f"Joints: {name}", path, "Measured, and commanded after safety's limits."))
    return found


def _names(contract: Contract, which: BoolArray) -> tuple[str, ...]:
    return tuple(name for name, chosen in zip(contract.joint_names, which, strict=True) if chosen)


def _listed(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items()) or "none"
