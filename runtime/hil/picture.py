"""Draws a failed scenario: the signals of its checks over time, their bounds, what happened, and where it failed."""

import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sim2real.configs.schema.run_signal import STATES, signals_of
from sim2real.configs.schema.scenario import ScenarioConfig
from sim2real.runtime.hil.recording import Recording
from sim2real.runtime.hil.scenario_run import ScenarioResult

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_PANELS_MAX = 5
_STATE_COLORS = {
    "RUNNING": "#cfe8cf",
    "READY": "#e4e4e4",
    "DAMPING": "#ffe9b8",
    "FAULT": "#f4c7c3",
    "ESTOP": "#e6b8d7",
    "REACTING": "#ffd9b0",
}


def draw(
    path: Path, scenario: ScenarioConfig, result: ScenarioResult, recording: Recording, names: Sequence[str]
) -> bool:
    """Draw a run as PNG; return whether that was possible: it needs matplotlib, which the extra `train` installs.

    Args:
        path: The file.
        scenario: The scenario.
        result: Its result.
        recording: Its run.
        names: Signals to draw, the most telling first.
    """
    if importlib.util.find_spec("matplotlib") is None:
        return False
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    names = names[:_PANELS_MAX]
    figure = Figure(figsize=(7.5, 1.2 + 1.7 * len(names)), layout="constrained")
    FigureCanvasAgg(figure)
    panels: Any = figure.subplots(len(names), 1, sharex=True, squeeze=False)
    zero = recording.policy_at or 0.0
    for panel, name in zip(panels[:, 0], names, strict=True):
        _draw_states(panel, recording, zero)
        _draw_signal(panel, scenario, recording, name, zero)
        _draw_checks(panel, result, name, zero)
        _draw_events(panel, scenario, recording, zero)
    panels[-1, 0].set_xlabel("time since the policy began, s   (background: state of the runtime)")
    failures = "\n".join(text if len(text) < 100 else text[:97] + "…" for text in result.failures[:3])
    figure.suptitle(f"{scenario.name}: {'ok' if result.ok else 'failed'}\n{failures}", fontsize=9, x=0.01, ha="left")
    figure.savefig(path, dpi=110)
    return True


def _draw_states(panel: "Axes", recording: Recording, zero: float) -> None:
    state = recording.steps("state")
    changes = np.flatnonzero(np.diff(state.values[:, 0], prepend=-1.0))
    for first, following in zip(changes, [*changes[1:], None], strict=True):
        begin = float(state.time[first]) - zero
        end = recording.end - zero if following is None else float(state.time[following]) - zero
        color = _STATE_COLORS.get(STATES[int(state.values[first, 0])], "#ffffff")
        panel.axvspan(begin, max(begin, end), color=color, linewidth=0.0, zorder=0)


def _draw_signal(panel: "Axes", scenario: ScenarioConfig, recording: Recording, name: str, zero: float) -> None:
    steps, signal = recording.steps(name), signals_of(scenario.task)[name]
    time = np.append(steps.time, recording.end) - zero
    for column, part in enumerate(steps.parts):
        values = np.append(steps.values[:, column], steps.values[-1, column])
        panel.step(time, values, where="post", linewidth=1.0, label=part or None)
    panel.set_ylabel(f"{name}\n{signal.unit}" if signal.unit else name, fontsize=9)
    if signal.words:
        panel.set_yticks(range(len(signal.words)), signal.words)
    if 1 < len(steps.parts) <= 12:
        panel.legend(fontsize=9, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    panel.tick_params(labelsize=9)


def _draw_checks(panel: "Axes", result: ScenarioResult, name: str, zero: float) -> None:
    for each in result.checks:
        condition = each.condition
        if condition.signal != name or not np.isfinite(each.begin):
            continue
        color = "#2b7a2b" if each.ok else "#b3261e"
        bounds = () if condition.word else (condition.low, condition.high)[: 1 + (condition.comparison == "in")]
        for bound in bounds:
            panel.hlines(
                bound, each.begin - zero, max(each.end, each.begin) - zero, color=color, linestyle="--", linewidth=1.2
            )
        if each.failed_at is not None:
            panel.axvline(each.failed_at - zero, color=color, linewidth=1.5)
            panel.annotate(
                "not met", (each.failed_at - zero, 1.0), xycoords=("data", "axes fraction"), fontsize=9, color=color
            )


def _draw_events(panel: "Axes", scenario: ScenarioConfig, recording: Recording, zero: float) -> None:
    marks: list[tuple[float, str]] = [(event.at, event.kind) for event in scenario.events]
    if recording.fault_at is not None and not marks:
        marks.append((recording.fault_at - zero, "fault"))
    for at, kind in marks:
        panel.axvline(at, color="#555555", linewidth=0.8, linestyle=":")
        panel.annotate(kind, (at, 0.02), xycoords=("data", "axes fraction"), fontsize=9, rotation=90, color="#555555")
