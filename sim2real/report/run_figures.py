"""Figures of a robot's run: states over time, slow readings of the motors, times of the tick."""

from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sim2real.hardware.types import Float64Array
from sim2real.report.plot_style import BAD, COLOURS, DIM, GOOD, GRID, INK, WIDTH, save, styled

_STATE_COLOURS: Final = {
    "RUNNING": GOOD,
    "READY": "#2563a8",
    "LOWERING": "#4b8b9b",
    "DAMPING": "#c8871b",
    "REACTING": "#c8571b",
    "FAULT": BAD,
    "ESTOP": BAD,
}


@styled
def state_figure(time: Float64Array, states: list[str], marks: Mapping[str, Float64Array], path: Path) -> None:
    """Draw the state over time, and when what happened.

    Args:
        time: s, (T,).
        states: Name of the state in each tick, T of them.
        marks: Times, s, by what happened; those without any are left out.
        path: The file, .svg or .png.
    """
    names = list(dict.fromkeys(states))
    happened = {what: times for what, times in marks.items() if len(times)}
    figure = Figure(figsize=(WIDTH, 0.9 + 0.3 * (len(names) + len(happened))), layout="constrained")
    axes = _plain(figure.subplots())
    changes = [0, *(index for index in range(1, len(states)) if states[index] != states[index - 1]), len(states) - 1]
    for begin, end in pairwise(changes):
        name = states[begin]
        width = max(float(time[end] - time[begin]), 1e-3)
        axes.barh(names.index(name), width, left=float(time[begin]), color=_STATE_COLOURS.get(name, DIM))
    for row, times in enumerate(happened.values(), len(names)):
        axes.plot(times, np.full(len(times), row), "|", color=BAD, ms=9)
    labels = [*names, *happened]
    axes.set_yticks(range(len(labels)), labels)
    axes.invert_yaxis()
    axes.set_xlabel("time, s")
    save(figure, path)


@styled
def motor_figure(time: Float64Array, joints: tuple[str, ...], values: Float64Array, quantity: str, path: Path) -> None:
    """Draw a reading of all motors in one plot.

    Args:
        time: s, (T,).
        joints: Names, J of them.
        values: (T, J); NaN where unknown.
        quantity: With its unit, for the axis.
        path: The file, .svg or .png.
    """
    figure = Figure(figsize=(WIDTH, 2.6), layout="constrained")
    axes = _plain(figure.subplots())
    for index, name in enumerate(joints):
        style = ("-", "--", ":")[index // len(COLOURS) % 3]
        axes.plot(time, values[:, index], color=COLOURS[index % len(COLOURS)], ls=style, lw=1.1, label=name)
    axes.set_xlabel("time, s")
    axes.set_ylabel(quantity)
    figure.legend(loc="outside right center")
    save(figure, path)


@styled
def timing_figure(times_ms: dict[str, Float64Array], period_ms: float, path: Path) -> None:
    """Draw histograms of durations, on logarithmic axes.

    Args:
        times_ms: ms, by name.
        period_ms: The control period, marked.
        path: The file, .svg or .png.
    """
    figure = Figure(figsize=(WIDTH, 2.6), layout="constrained")
    axes = _plain(figure.subplots())
    edges = np.geomspace(1e-3, max(10.0 * period_ms, 1.0), 80)
    for (name, values), colour in zip(times_ms.items(), COLOURS, strict=False):
        axes.hist(
            np.clip(values, edges[0], edges[-1]), bins=edges.tolist(), histtype="step", lw=1.3, color=colour, label=name
        )
    axes.axvline(period_ms, color=INK, lw=0.8, ls="--", label="period")
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("ms")
    axes.set_ylabel("ticks")
    axes.legend()
    save(figure, path)


def _plain(axes: Axes) -> Axes:
    axes.grid(color=GRID, lw=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    return axes
