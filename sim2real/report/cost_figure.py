"""The costs of a training run beside their budgets."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from sim2real.report.panel_figure import moving_mean
from sim2real.report.plot_style import COLOURS, GRID, INK, WIDTH, save, styled

Array = npt.NDArray[Any]

_HEIGHT: Final = 2.6  # inches of a row


@styled
def cost_figure(rows: Sequence[Mapping[str, Any]], budgets: Mapping[str, float], path: Path) -> None:
    """Plot the mean of every cost over control steps beside its budget, with its multiplier if one is learned.

    Args:
        rows: Entries of metrics.jsonl; those with `steps` and `episode/cost/NAME` are drawn.
        budgets: By the names of the costs.
        path: The file, .svg or .png.
    """
    figure = Figure(figsize=(WIDTH, _HEIGHT * len(budgets)), layout="constrained")
    for axes, (name, budget) in zip(figure.subplots(len(budgets), squeeze=False)[:, 0], budgets.items(), strict=True):
        steps, values = _series(rows, f"episode/cost/{name}")
        axes.plot(steps, values, color=COLOURS[0], lw=0.6, alpha=0.3)
        handles = axes.plot(steps, moving_mean(values), color=COLOURS[0], lw=1.8, label=name)
        handles.append(axes.axhline(budget, color=INK, lw=1.0, ls=":", label="budget"))
        axes.set_ylabel(f"{name}, mean", color=COLOURS[0])
        axes.grid(color=GRID, lw=0.6)
        axes.spines[["top", "right"]].set_visible(False)
        steps, values = _series(rows, f"cost/{name}/multiplier")
        if len(steps):
            multiplier = axes.twinx()
            handles += multiplier.plot(steps, values, color=COLOURS[1], lw=1.2, ls="--", label="multiplier")
            multiplier.set_ylabel("multiplier", color=COLOURS[1])
            multiplier.set_ylim(bottom=0.0)
            multiplier.spines[["top", "left"]].set_visible(False)
        axes.legend(handles=handles, loc="upper right")
    figure.supxlabel("control steps, thousands")
    save(figure, path)


def _series(rows: Sequence[Mapping[str, Any]], name: str) -> tuple[Array, Array]:
    """Return control steps, thousands, and the values of a figure where it has one, (T,) each."""
    seen = [(row["steps"] / 1e3, row[name]) for row in rows if row.get(name) is not None]
    return np.array([step for step, _ in seen]), np.array([value for _, value in seen])
