"""The joints of a run as one figure: what each measured, and what it was commanded."""

import math
from pathlib import Path
from typing import Final

from matplotlib.figure import Figure

from sim2real.hardware.types import Float64Array
from sim2real.report.plot_style import COLOURS, GRID, WIDTH, save, styled

_COLUMNS: Final = 3
_HEIGHT: Final = 1.6  # inches of a row
_MEASURED, _COMMANDED = COLOURS[:2]


@styled
def joint_figure(
    time: Float64Array,
    joints: tuple[str, ...],
    measured: Float64Array,
    commanded: Float64Array,
    quantity: str,
    path: Path,
) -> None:
    """Draw one panel for each joint.

    Args:
        time: s, (T,).
        joints: Names, J of them.
        measured: (T, J); NaN where it was not measured.
        commanded: After safety's limits, (T, J).
        quantity: With its unit, for the axis: `position, rad`.
        path: The file, .svg or .png.
    """
    rows = math.ceil(len(joints) / _COLUMNS)
    columns = min(len(joints), _COLUMNS)
    figure = Figure(figsize=(WIDTH, _HEIGHT * rows + 0.6), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False, sharex=True).ravel()
    for index, (name, panel) in enumerate(zip(joints, panels, strict=False)):
        panel.plot(time, commanded[:, index], color=_COMMANDED, lw=0.9, label="commanded, after limits")
        panel.plot(time, measured[:, index], color=_MEASURED, lw=1.1, label="measured")
        panel.set_title(name, loc="left")
        panel.grid(color=GRID, lw=0.6)
        panel.spines[["top", "right"]].set_visible(False)
    for panel in panels[len(joints) :]:
        panel.set_visible(False)
    figure.supxlabel("time, s")
    figure.supylabel(quantity)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper left", ncols=2)
    save(figure, path)
