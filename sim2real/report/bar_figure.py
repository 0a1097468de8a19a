"""Values of several conditions side by side, a bar for each."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from matplotlib.figure import Figure

from sim2real.report.plot_style import COLOURS, GRID, WIDTH, save, styled

_HEIGHT: Final = 0.2  # inches of a bar
_GAP: Final = 0.15  # between two names, as a share of a bar's height


@styled
def bar_figure(names: Sequence[str], values: Mapping[str, Sequence[float]], quantity: str, path: Path) -> None:
    """Draw horizontal bars.

    Args:
        names: One for each group of bars.
        values: A value for each name, by condition.
        quantity: For the axis.
        path: The file, .svg or .png.
    """
    high = len(values) + _GAP * 4
    figure = Figure(figsize=(WIDTH, 0.9 + _HEIGHT * high * len(names)), layout="constrained")
    axes = figure.subplots()
    middle = np.arange(len(names)) * high
    for index, (condition, row) in enumerate(values.items()):
        axes.barh(middle + index, row, height=0.9, color=COLOURS[index % len(COLOURS)], label=condition)
    axes.set_yticks(middle + (len(values) - 1) / 2.0, names)
    axes.invert_yaxis()
    axes.set_xlabel(quantity)
    axes.grid(color=GRID, lw=0.6, axis="x")
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside upper left", ncols=len(values))
    save(figure, path)
