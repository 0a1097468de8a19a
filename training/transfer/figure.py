"""Figure of a study's tables: one panel per task, with a cell per strategy and world."""

import math
from collections.abc import Mapping
from pathlib import Path

import matplotlib as mpl
import numpy as np

mpl.use("Agg")
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sim2real.training.transfer.table import Table

_INK, _DIM = "#22272e", "#6b7682"
_DPI = 130
_WIDTH, _ROW, _HEAD = 11.0, 0.36, 1.15  # inches: figure, a strategy, head and foot of a panel
_DARK = 0.55  # shade from which text is white
_SPREAD_MIN = 0.1  # smallest colour range of a world's means, so that small differences do not look large


def transfer_figure(tables: Mapping[str, Table], path: Path) -> None:
    """Draw one panel per task.

    Args:
        tables: Tables by task.
        path: The PNG file.
    """
    heights = [_HEAD + _ROW * len(table.strategies) for table in tables.values()]
    figure = Figure(figsize=(_WIDTH, sum(heights)), dpi=_DPI, layout="constrained")
    panels = figure.subplots(len(tables), 1, squeeze=False, height_ratios=heights)[:, 0]
    for axes, (task, table) in zip(panels, tables.items(), strict=True):
        _panel(axes, task, table)
    figure.savefig(path)


def _panel(axes: Axes, task: str, table: Table) -> None:
    means = np.array([[table.figures[name][world].mean for world in table.worlds] for name in table.strategies])
    # Colours compare strategies within a world: means differ more between worlds than between strategies.
    low, high = np.fmin.reduce(means, axis=0), np.fmax.reduce(means, axis=0)
    spread = np.maximum(high - low, _SPREAD_MIN)
    shade = 0.08 + 0.82 * (means - low) / spread
    axes.imshow(np.ma.masked_invalid(shade), cmap="Blues", vmin=0.0, vmax=1.0, aspect="auto")
    for row, name in enumerate(table.strategies):
        for column, world in enumerate(table.worlds):
            cell = table.figures[name][world]
            spread_text = "" if math.isnan(cell.std) else f"\n±{cell.std:.3f}"
            text = f"{cell.mean:.3f}{spread_text}" if cell.seeds else "-"
            best = cell.seeds > 0 and cell.mean == high[column]
            colour = "white" if shade[row, column] > _DARK else _INK
            axes.text(
                column,
                row,
                text,
                ha="center",
                va="center",
                fontsize=7,
                color=colour,
                fontweight="bold" if best else "normal",
                linespacing=0.95,
            )
    axes.set_xticks(range(len(table.worlds)), [world.replace("_", " ") for world in table.worlds], fontsize=8)
    axes.set_yticks(range(len(table.strategies)), [name.replace("_", " ") for name in table.strategies], fontsize=8)
    axes.axvline(len(table.worlds) - 1.5, color="white", lw=4)
    axes.tick_params(length=0, colors=_INK)
    axes.spines[:].set_visible(False)
    seeds = max((figure.seeds for row in table.figures.values() for figure in row.values()), default=0)
    axes.set_title(
        f"{task}: {table.measure}, mean ± standard deviation over {seeds} seeds", loc="left", fontsize=9, color=_INK
    )
    axes.set_xlabel("colours compare the strategies within a world", fontsize=7, color=_DIM, loc="right")
