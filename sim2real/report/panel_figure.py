"""Many figures of a training run over its steps, a small panel each."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from sim2real.report.plot_style import COLOURS, GRID, WIDTH, save, styled

Array = npt.NDArray[Any]

_COLUMNS: Final = 3
_HEIGHT: Final = 1.5  # inches of a row
PANELS_MAX: Final = 30
_SMOOTH: Final = 40  # the mean is over so many parts of the run


@styled
def panel_figure(steps: Array, series: Mapping[str, Array], path: Path) -> None:
    """Draw one panel for each series, its moving mean above what each iteration had.

    Args:
        steps: Control steps, (T,).
        series: (T,) each, by title; NaN where an iteration had none. More than `PANELS_MAX` are not drawn.
        path: The file, .svg or .png.
    """
    shown = list(series.items())[:PANELS_MAX]
    rows = math.ceil(len(shown) / _COLUMNS)
    columns = min(len(shown), _COLUMNS)
    figure = Figure(figsize=(WIDTH, _HEIGHT * rows + 0.4), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False, sharex=True).ravel()
    for panel, (title, values) in zip(panels, shown, strict=False):
        panel.plot(steps / 1e3, values, color=COLOURS[0], lw=0.6, alpha=0.3)
        panel.plot(steps / 1e3, moving_mean(values), color=COLOURS[0], lw=1.6)
        panel.set_title(title, loc="left")
        panel.grid(color=GRID, lw=0.6)
        panel.set_axisbelow(True)
        panel.spines[["top", "right"]].set_visible(False)
        panel.xaxis.set_major_locator(MaxNLocator(3))
        panel.yaxis.set_major_locator(MaxNLocator(4))
    for panel in panels[len(shown) :]:
        panel.set_visible(False)
    figure.supxlabel("control steps, thousands")
    save(figure, path)


def moving_mean(values: Array) -> Array:
    """Return moving means, (T,), over the last fortieth of the values that are there; NaN before the first."""
    window = max(len(values) // _SMOOTH, 1)
    known = np.isfinite(values)
    sums = np.concatenate(([0.0], np.cumsum(np.where(known, values, 0.0))))
    counts = np.concatenate(([0], np.cumsum(known)))
    ends = np.arange(1, len(values) + 1)
    starts = np.maximum(ends - window, 0)
    number = counts[ends] - counts[starts]
    means: Array = np.where(number > 0, (sums[ends] - sums[starts]) / np.maximum(number, 1), np.nan)
    return means
