"""Figures of training and of robot runs, as files."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sim2real.report.panel_figure import moving_mean
from sim2real.report.plot_style import COLOURS, GRID, INK, WIDTH, save, styled

Array = npt.NDArray[Any]

_BLUE, _ORANGE, _GREEN = COLOURS[:3]
_HEIGHT = 3.2  # inches


@styled
def learning_curve(rows: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Plot return and success of training episodes over control steps, with moving means over 1/40 of the run.

    Success is left out where the environment knows of none.

    Args:
        rows: Entries of metrics.jsonl; those with `steps` and `episode/return` are drawn.
        path: The file, .svg or .png.
    """
    seen = [row for row in rows if row.get("episode/return") is not None]
    figure, axes = _figure()
    steps = np.array([row["steps"] for row in seen]) / 1e3
    returns = np.array([row["episode/return"] for row in seen], dtype=np.float64)
    successes = np.array([row.get("episode/success", 0.0) for row in seen], dtype=np.float64)  # null is NaN
    axes.plot(steps, returns, color=_BLUE, lw=0.6, alpha=0.3)
    (curve,) = axes.plot(steps, moving_mean(returns), color=_BLUE, lw=1.8, label="return")
    axes.set_xlabel("control steps, thousands")
    axes.set_ylabel("episode return", color=_BLUE)
    if not np.isfinite(successes).all():
        _save(figure, axes, "Learning", path)
        return
    success = axes.twinx()
    (share,) = success.plot(steps, moving_mean(100.0 * successes), color=_ORANGE, lw=1.4, ls="--", label="success")
    success.set_ylabel("success, %", color=_ORANGE)
    success.set_ylim(-3, 103)
    success.spines[["top", "left"]].set_visible(False)
    axes.legend(handles=[curve, share], loc="lower right")
    _save(figure, axes, "Learning", path)


@styled
def goal_angle(
    time: Array, position: Array, running: Array, goal: float, tolerance: float, wrap: bool, path: Path
) -> None:
    """Plot the angle of the goal joint, the goal's tolerance band, and the start of the policy.

    Args:
        time: s, (T,).
        position: rad, (T,); NaN where it was not measured.
        running: Ticks in state RUNNING, (T,).
        goal: rad.
        tolerance: rad.
        wrap: Whether angles that differ by full turns are equal.
        path: The file, .svg or .png.
    """
    figure, axes = _figure()
    degrees = np.degrees(position)
    smallest, largest = (float(edge(degrees, initial=0.0, where=np.isfinite(degrees))) for edge in (np.min, np.max))
    turns = np.arange(np.floor(smallest / 360.0) - 1, np.ceil(largest / 360.0) + 2) if wrap else [0.0]
    low, high = smallest - 25.0, largest + 25.0
    for turn in turns:
        centre = np.degrees(goal) + 360.0 * turn
        if low - 20.0 <= centre <= high + 20.0:
            axes.axhspan(centre - np.degrees(tolerance), centre + np.degrees(tolerance), color=_GREEN, alpha=0.16, lw=0)
            axes.axhline(centre, color=_GREEN, lw=0.8, ls=":")
    axes.plot(time, degrees, color=_BLUE, lw=1.4)
    _mark_start(axes, time, running, high)
    axes.set_ylim(low, high)
    axes.set_xlabel("time since torque on, s")
    axes.set_ylabel("measured angle, deg")
    _save(figure, axes, "Angle as the robot measured it; green: within tolerance of the goal", path)


@styled
def goal_distance(time: Array, distance: Array, running: Array, tolerance: float, unit: str, path: Path) -> None:
    """Plot the distance from the goal, the tolerance, and the start of the policy.

    Args:
        time: s, (T,).
        distance: In `unit`, (T,); NaN where it was not measured.
        running: Ticks in state RUNNING, (T,).
        tolerance: In `unit`.
        unit: Unit of the distances; empty if the goal has none.
        path: The file, .svg or .png.
    """
    figure, axes = _figure()
    axes.axhspan(0.0, tolerance, color=_GREEN, alpha=0.16, lw=0)
    axes.plot(time, distance, color=_BLUE, lw=1.4)
    high = 1.1 * max(float(np.nanmax(distance, initial=0.0)), 2.0 * tolerance, 1e-9)
    _mark_start(axes, time, running, high)
    axes.set_ylim(0.0, high)
    axes.set_xlabel("time since torque on, s")
    axes.set_ylabel(f"distance from the goal, {unit}" if unit else "distance from the goal")
    _save(figure, axes, "Distance from the goal, measured by the robot; green: within tolerance", path)


@styled
def tick_histogram(stages: Mapping[str, tuple[Array, Array]], quantiles: Mapping[str, float], path: Path) -> None:
    """Plot histograms of tick times.

    Args:
        stages: Bucket edges in µs, (B + 1,), and counts, (B,), by name; drawn in one plot.
        quantiles: Marks in µs, by label.
        path: The file, .svg or .png.
    """
    figure, axes = _figure()
    for (name, (edges, counts)), colour in zip(stages.items(), (_BLUE, _ORANGE, _GREEN), strict=False):
        if len(counts):
            coarse = np.geomspace(max(edges[0], 1.0), max(edges[-1], 2.0), 48)
            centres = np.maximum((edges[:-1] + edges[1:]) / 2.0, 1.0)
            axes.hist(centres, bins=coarse.tolist(), weights=counts, color=colour, alpha=0.6, label=name)
    for label, value in quantiles.items():
        if np.isfinite(value) and value > 0.0:
            axes.axvline(value, color=INK, lw=0.8, ls="--")
            axes.annotate(
                f"{label} {value:.0f} µs",
                (value, 0.97),
                xycoords=("data", "axes fraction"),
                rotation=90,
                va="top",
                ha="right",
            )
    axes.set_xscale("log")
    axes.set_xlabel("µs")
    axes.set_ylabel("ticks")
    axes.legend()
    _save(figure, axes, "Tick times of the runtime", path)


def _mark_start(axes: Axes, time: Array, running: Array, high: float) -> None:
    """Mark the start of the policy, if it ran."""
    if running.any():
        start = float(time[np.argmax(running)])
        axes.axvline(start, color=INK, lw=0.8, ls="--")
        axes.annotate("policy in command", (start, high), xytext=(4, -12), textcoords="offset points", color=INK)


def _figure() -> tuple[Figure, Axes]:
    figure = Figure(figsize=(WIDTH, _HEIGHT), layout="constrained")
    axes = figure.subplots()
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(color=GRID, lw=0.6)
    axes.set_axisbelow(True)
    return figure, axes


def _save(figure: Figure, axes: Axes, title: str, path: Path) -> None:
    axes.set_title(title, loc="left")
    save(figure, path)
