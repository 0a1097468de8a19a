"""Rough ground: one height field with a strip for each level of roughness, and how high it is where."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from sim2real.hardware.types import Float64Array

Indices = npt.NDArray[np.intp]

_CELL: Final = 0.1  # m, distance of two heights: about a foot's step of the robots meant
_STRIP: Final = 80  # cells along each side of a strip
_MARGIN: Final = 25  # cells at its edge where no episode begins
_SEED: Final = 7

TERRAIN: Final = "terrain"
"""Name of the height field and its geom."""


@dataclass(frozen=True)
class Terrain:
    """Strips of ground along x, one for each level; heights are uniform in ±roughness at the corners of a grid.

    The ground's mean height is 0.
    """

    levels: Float64Array
    """Roughness of each strip, (L,), m, ascending."""
    heights: Float64Array
    """Heights at the corners of the grid, (rows along y, columns along x), m."""

    @classmethod
    def of(cls, levels: Float64Array) -> "Terrain":
        """Make the strips; the same levels give the same ground."""
        rng = np.random.default_rng(_SEED)
        strips = [rng.uniform(-level, level, (_STRIP + 1, _STRIP)) for level in levels]
        # A last column closes the grid.
        return cls(levels, np.hstack([*strips, strips[-1][:, -1:]]))

    @property
    def size(self) -> tuple[float, float]:
        """Half lengths along x and y, m."""
        rows, columns = self.heights.shape
        return 0.5 * _CELL * (columns - 1), 0.5 * _CELL * (rows - 1)

    def level_of(self, roughness: Float64Array) -> Indices:
        """Return the strip whose roughness is nearest, for each of k episodes."""
        nearest: Indices = np.abs(roughness.reshape(-1, 1) - self.levels).argmin(axis=1)
        return nearest

    def place(self, level: Indices, uniform: Float64Array) -> Float64Array:
        """Return places, (k, 2), m, well inside the strips of k episodes.

        Args:
            level: (k,)
            uniform: (k, 2), in [0, 1).
        """
        half = np.array(self.size)
        inner = _CELL * (_STRIP - 2 * _MARGIN)
        corner = np.stack((level * _STRIP * _CELL, np.zeros(len(level))), axis=1) + _CELL * _MARGIN - half
        places: Float64Array = corner + uniform * inner
        return places

    def height(self, place: Float64Array) -> Float64Array:
        """Return the height of the ground under places, (..., 2) to (...), m.

        Every cell is two triangles that meet along the line from its first corner to the one across, as MuJoCo has it.
        """
        half = np.array(self.size)
        cell = (place + half) / _CELL
        rows, columns = self.heights.shape
        # Unlike clip, these make a place of what is no number: a simulation that diverged is asked about too.
        column = np.fmax(np.fmin(cell[..., 0], columns - 1.000001), 0.0)
        row = np.fmax(np.fmin(cell[..., 1], rows - 1.000001), 0.0)
        i, j = row.astype(np.intp), column.astype(np.intp)
        v, u = row - i, column - j
        first, across = self.heights[i, j], self.heights[i + 1, j + 1]
        beside = np.where(u >= v, self.heights[i, j + 1], self.heights[i + 1, j])
        more, less = np.maximum(u, v), np.minimum(u, v)
        height: Float64Array = first + more * (beside - first) + less * (across - beside)
        return height
