"""Figure of a sweep: returns over control steps, a line a group, its seeds pale behind it."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import matplotlib as mpl
import numpy as np

mpl.use("Agg")
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sim2real.training.sweep.outcome import Group

_COLOURS: Final = ("#2563a8", "#c8571b", "#2e7d4f", "#8b3fa0", "#b08900", "#6b7682")
_INK: Final = "#22272e"
_COLUMNS: Final = 3
_WIDTH, _HEIGHT, _DPI = 3.8, 2.7, 130
_POINTS: Final = 200


def sweep_figure(
    panels: Mapping[str, Sequence[Group]], path: Path, references: Mapping[str, Mapping[str, float]] | None = None
) -> None:
    """Draw the curves of all groups that have any.

    Args:
        panels: Groups by the title of their panel.
        path: The PNG file.
        references: Level lines of a panel, by what they are.
    """
    columns = min(_COLUMNS, len(panels))
    rows = math.ceil(len(panels) / columns)
    figure = Figure(figsize=(_WIDTH * columns, _HEIGHT * rows), dpi=_DPI, layout="constrained")
    places = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes, (title, groups) in zip(places, panels.items(), strict=False):
        _panel(axes, title, groups, (references or {}).get(title, {}))
    for axes in places[len(panels) :]:
        axes.set_axis_off()
    figure.savefig(path)


def _panel(axes: Axes, title: str, groups: Sequence[Group], references: Mapping[str, float]) -> None:
    axes.set_title(title, loc="left", fontsize=8, color=_INK)
    for group, colour in zip(groups, _COLOURS * (1 + len(groups) // len(_COLOURS)), strict=False):
        if not group.curves:
            continue
        for curve in group.curves:
            axes.plot(curve.steps, curve.returns, color=colour, lw=0.6, alpha=0.35)
        first = max(curve.steps[0] for curve in group.curves)
        grid = np.linspace(first, max(min(curve.steps[-1] for curve in group.curves), first), _POINTS)
        mean = np.mean([np.interp(grid, curve.steps, curve.returns) for curve in group.curves], axis=0)
        axes.plot(grid, mean, color=colour, lw=1.6, label=group.name)
    for name, level in references.items():
        axes.axhline(level, color=_INK, lw=0.8, ls=":")
        axes.annotate(name, (0.01, level), xycoords=("axes fraction", "data"), fontsize=6, va="bottom", color=_INK)
    axes.set_xlabel("control steps", fontsize=7)
    axes.tick_params(labelsize=7, colors=_INK)
    axes.spines[["top", "right"]].set_visible(False)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(fontsize=6, frameon=False, loc="best")
