"""Figure of a curriculum: boundaries of every parameter, entropy and performance over training."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from sim2real.configs.schema.parameter import ParameterConfig
from sim2real.curriculum.parameter_space import entry_name
from sim2real.report.plot_style import COLOURS, DIM, GRID, INK, TEXT, save, styled

Array = npt.NDArray[np.float64]

_BLUE, _ORANGE, _GREEN = COLOURS[:3]
_COLUMNS = 4
_WIDTH, _HEIGHT, _HEIGHT_TOP, _HEIGHT_TEXT = 11.0, 1.65, 2.2, 0.5  # inches: figure, row, top row, lines of text
_MARGIN = 0.06  # share of the distance between the limits, above and below

_DISPLAY_UNITS: Mapping[str, tuple[str, float]] = {
    "s": ("ms", 1e3),
    "rad": ("°", 180.0 / math.pi),
    "rad/s": ("°/s", 180.0 / math.pi),
    "m": ("mm", 1e3),
    "kg*m^2": ("kg·m²", 1.0),
    "N*m": ("N·m", 1.0),
    "ohm": ("Ω", 1.0),
    "m/s^2": ("m/s²", 1.0),
    "N*m/rad": ("N·m/rad", 1.0),
    "N*m*s/rad": ("N·m·s/rad", 1.0),
}
"""Display unit of each SI unit, and the factor to it."""


@styled
def curriculum_figure(rows: Sequence[Mapping[str, Any]], entries: Sequence[ParameterConfig], path: Path) -> bool:
    """Plot the boundaries of every parameter over control steps, below entropy and performance.

    Parameters are in the order of their entries; parameters without log entries are left out.

    Args:
        rows: Entries of metrics.jsonl; those with `steps` and `curriculum/…` are drawn.
        entries: The randomised parameters.
        path: The file, .svg or .png.

    Returns:
        True if the file was written; False if fewer than two rows have curriculum figures.
    """
    seen = [row for row in rows if any(name.startswith("curriculum/") for name in row)]
    drawn = [entry for entry in entries if any(f"curriculum/{entry_name(entry)}/low" in row for row in seen)]
    if len(seen) < 2 or not drawn:
        return False
    rows_below = math.ceil(len(drawn) / _COLUMNS)
    heights = [_HEIGHT_TOP, _HEIGHT * rows_below + _HEIGHT_TEXT]
    figure = Figure(figsize=(_WIDTH, sum(heights)), layout="constrained")
    above, below = figure.subfigures(2, 1, squeeze=False, height_ratios=heights).ravel()
    scale, unit = _step_unit(max(float(row["steps"]) for row in seen))
    steps = np.array([row["steps"] for row in seen]) / scale
    entropy, performance = above.subplots(1, 2)
    _draw_entropy(entropy, steps, _series(seen, "curriculum/entropy"))
    _draw_performance(performance, steps, seen)
    panels = below.subplots(rows_below, _COLUMNS, squeeze=False, sharex=True).ravel()
    for panel, entry in zip(panels, drawn, strict=False):
        _draw_parameter(panel, steps, seen, entry)
    for panel in panels[len(drawn) :]:
        panel.set_visible(False)
    for index, panel in enumerate(panels[: len(drawn)]):
        panel.tick_params(labelbottom=index + _COLUMNS >= len(drawn))
    for axes in (entropy, performance, *panels):
        _style(axes)
        axes.set_xlim(steps[0], steps[-1])
    below.suptitle(
        "Blue: range that episodes draw from. Grey: limits. Dotted: calibrated value.",
        x=0.005,
        ha="left",
        fontsize=TEXT,
        color=DIM,
    )
    below.supxlabel(f"control steps{unit}", fontsize=TEXT, color=INK)
    save(figure, path)
    return True


def _draw_entropy(axes: Axes, steps: Array, entropy: Array) -> None:
    axes.plot(steps, entropy, color=_BLUE, lw=1.8)
    axes.axhline(0.0, color=_GREEN, lw=0.9, ls=":")
    axes.annotate(
        "full limits",
        (1.0, 0.0),
        xycoords=("axes fraction", "data"),
        xytext=(-4, 3),
        textcoords="offset points",
        ha="right",
        fontsize=TEXT,
        color=_GREEN,
    )
    low = float(np.nanmin(entropy)) if np.isfinite(entropy).any() else -1.0
    axes.set_ylim(low - 0.06 * max(-low, 0.5), 0.14 * max(-low, 0.5))
    axes.set_title("Entropy, nats per parameter", loc="left", fontsize=10, color=INK)


def _draw_performance(axes: Axes, steps: Array, seen: Sequence[Mapping[str, Any]]) -> None:
    axes.plot(steps, 100.0 * _series(seen, "curriculum/performance"), color=_ORANGE, lw=1.8, label="performance")
    success = 100.0 * _series(seen, "curriculum/success_rate")
    if np.isfinite(success).any():
        axes.plot(steps, success, color=INK, lw=1.0, ls="--", label="success rate")
        axes.legend(frameon=False, fontsize=TEXT, loc="lower right")
    axes.set_ylim(-3, 103)
    axes.set_title("Performance of latest episodes, %", loc="left", fontsize=10, color=INK)


def _draw_parameter(axes: Axes, steps: Array, seen: Sequence[Mapping[str, Any]], entry: ParameterConfig) -> None:
    name = entry_name(entry)
    unit, factor = _unit(entry)
    low, high = (factor * _series(seen, f"curriculum/{name}/{side}") for side in ("low", "high"))
    lowest, highest = (factor * limit for limit in entry.hard_limits)
    calibrated = factor * entry.calibration
    axes.axhspan(lowest, highest, color=GRID, alpha=0.45, lw=0)
    axes.fill_between(steps, low, high, color=_BLUE, alpha=0.28, lw=0, step="post")
    for edge in (low, high):
        axes.step(steps, edge, color=_BLUE, lw=1.3, where="post")
    axes.axhline(calibrated, color=INK, lw=0.8, ls=":")
    room = highest - lowest or max(abs(highest), 1.0)
    axes.set_ylim(lowest - _MARGIN * room, highest + _MARGIN * room)
    axes.yaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 2.5, 5, 10]))
    axes.set_title(_title(name, unit), loc="left", fontsize=TEXT, color=INK, pad=4)


def _unit(entry: ParameterConfig) -> tuple[str, float]:
    """Return the display unit of a parameter, and the factor from its SI value."""
    if entry.application == "scale":
        return "×", 1.0
    return ("", 1.0) if entry.unit is None else _DISPLAY_UNITS.get(entry.unit, (entry.unit, 1.0))


def _title(name: str, unit: str, longest: int = 34) -> str:
    words, _, elements = name.partition("/")
    title = words.replace("_", " ")
    if elements:
        title = f"{title}: {elements.replace('+', ', ')}"
    room = longest - len(unit) - 2
    title = title if len(title) <= room else title[: room - 1] + "…"
    return f"{title}, {unit}" if unit else title


def _step_unit(steps_max: float) -> tuple[float, str]:
    if steps_max >= 2e6:
        return 1e6, ", millions"
    return (1e3, ", thousands") if steps_max >= 2e3 else (1.0, "")


def _series(rows: Sequence[Mapping[str, Any]], name: str) -> Array:
    """Return one figure of every row; NaN if missing."""
    return np.array([math.nan if row.get(name) is None else float(row[name]) for row in rows])


def _style(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(DIM)
    axes.tick_params(labelsize=TEXT, colors=DIM)
    axes.xaxis.set_major_locator(MaxNLocator(4))
    axes.grid(color=GRID, lw=0.6)
    axes.set_axisbelow(True)
