"""Figures of a robot's run: states over time, slow readings of the motors, times of the tick."""

from itertools import pairwise
from pathlib import Path
from typing import Final

import matplotlib as mpl
import numpy as np

mpl.use("Agg")
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sim2real.hardware.types import Float64Array

_WIDTH: Final = 9.0  # inches
_DPI: Final = 120
_INK, _GRID = "#22272e", "#d9dee4"
_COLOURS: Final = ("#2563a8", "#c8571b", "#2e7d4f", "#7c3aa0", "#8a6d1d", "#4b8b9b", "#a13d63", "#5b6672")
_STATE_COLOURS: Final = {
    "RUNNING": "#2e7d4f",
    "READY": "#2563a8",
    "LOWERING": "#4b8b9b",
    "DAMPING": "#c8871b",
    "REACTING": "#c8571b",
    "FAULT": "#b3261e",
    "ESTOP": "#b3261e",
}


def state_figure(time: Float64Array, states: list[str], marks: Float64Array, path: Path) -> None:
    """Draw the state over time, and when safety intervened.

    Args:
        time: s, (T,).
        states: Name of the state in each tick, T of them.
        marks: Times of interventions, s.
        path: The PNG file.
    """
    names = list(dict.fromkeys(states))
    figure = Figure(figsize=(_WIDTH, 0.9 + 0.32 * (len(names) + bool(len(marks)))), dpi=_DPI, layout="constrained")
    axes = _plain(figure.subplots())
    changes = [0, *(index for index in range(1, len(states)) if states[index] != states[index - 1]), len(states) - 1]
    for begin, end in pairwise(changes):
        name = states[begin]
        width = max(float(time[end] - time[begin]), 1e-3)
        axes.barh(names.index(name), width, left=float(time[begin]), color=_STATE_COLOURS.get(name, "#5b6672"))
    labels = list(names)
    if len(marks):
        axes.plot(marks, np.full(len(marks), len(names)), "|", color="#b3261e", ms=9)
        labels.append("intervention")
    axes.set_yticks(range(len(labels)), labels, fontsize=9)
    axes.invert_yaxis()
    axes.set_xlabel("time, s", fontsize=9)
    figure.savefig(path)


def motor_figure(time: Float64Array, joints: tuple[str, ...], values: Float64Array, quantity: str, path: Path) -> None:
    """Draw a reading of all motors in one plot.

    Args:
        time: s, (T,).
        joints: Names, J of them.
        values: (T, J); NaN where unknown.
        quantity: With its unit, for the axis.
        path: The PNG file.
    """
    figure = Figure(figsize=(_WIDTH, 2.6), dpi=_DPI, layout="constrained")
    axes = _plain(figure.subplots())
    for index, name in enumerate(joints):
        style = ("-", "--", ":")[index // len(_COLOURS) % 3]
        axes.plot(time, values[:, index], color=_COLOURS[index % len(_COLOURS)], ls=style, lw=1.1, label=name)
    axes.set_xlabel("time, s", fontsize=9)
    axes.set_ylabel(quantity, fontsize=9)
    figure.legend(loc="outside right center", frameon=False, fontsize=8)
    figure.savefig(path)


def timing_figure(times_ms: dict[str, Float64Array], period_ms: float, path: Path) -> None:
    """Draw histograms of durations, on logarithmic axes.

    Args:
        times_ms: ms, by name.
        period_ms: The control period, marked.
        path: The PNG file.
    """
    figure = Figure(figsize=(_WIDTH, 2.6), dpi=_DPI, layout="constrained")
    axes = _plain(figure.subplots())
    edges = np.geomspace(1e-3, max(10.0 * period_ms, 1.0), 80)
    for (name, values), colour in zip(times_ms.items(), _COLOURS, strict=False):
        axes.hist(
            np.clip(values, edges[0], edges[-1]), bins=edges.tolist(), histtype="step", lw=1.3, color=colour, label=name
        )
    axes.axvline(period_ms, color=_INK, lw=0.8, ls="--", label="period")
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("ms", fontsize=9)
    axes.set_ylabel("ticks", fontsize=9)
    axes.legend(frameon=False, fontsize=8)
    figure.savefig(path)


def _plain(axes: Axes) -> Axes:
    axes.grid(color=_GRID, lw=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=8)
    return axes
