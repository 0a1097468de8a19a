"""A sheet of pictures of a robot: how it starts, and what it does in its first seconds."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import matplotlib as mpl
import mujoco

mpl.use("Agg")
from matplotlib.figure import Figure

from sim2real.hardware.types import Float64Array
from sim2real.rendering.camera import Camera, Frame

_COLUMNS: Final = 3
_DPI: Final = 100
_CELL: Final = (4.0, 3.2)  # inches, with the title


@dataclass(frozen=True)
class Picture:
    """One picture: a state seen from a direction."""

    title: str
    qpos: Float64Array
    """(nq,)"""
    azimuth: float = 135.0
    """Direction of the view about the vertical, degrees; 90 looks along y, 0 along x."""


def draw_sheet(model: mujoco.MjModel, pictures: Sequence[Picture], path: Path) -> None:
    """Render states of a model without a display, and write them as one PNG file.

    Raises:
        UserError: Nothing can be rendered here.
    """
    model.vis.headlight.ambient, model.vis.headlight.diffuse = [0.4] * 3, [0.6] * 3  # many models have no light
    camera, data = Camera(model, 480, 360), mujoco.MjData(model)
    frames: list[Frame] = []
    try:
        for picture in pictures:
            data.qpos[:] = picture.qpos
            frames.append(camera.around(data, picture.azimuth).copy())
    finally:
        camera.close()
    rows = -(-len(pictures) // _COLUMNS)
    figure = Figure(figsize=(_CELL[0] * _COLUMNS, _CELL[1] * rows), dpi=_DPI, layout="constrained")
    panels = figure.subplots(rows, _COLUMNS, squeeze=False).ravel()
    for axes in panels:
        axes.set_axis_off()
    for axes, picture, frame in zip(panels, pictures, frames, strict=False):
        axes.imshow(frame)
        axes.set_title(picture.title, fontsize=10)
    aside = path.with_name(f".{path.name}.part")
    figure.savefig(aside, format="png")
    aside.replace(path)
