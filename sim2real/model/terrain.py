"""Rough ground: one height field with a strip per level of roughness, and its height at any point."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from sim2real.hardware.types import Float64Array

Indices = npt.NDArray[np.intp]

_CELL: Final = 0.1  # m, grid spacing: about the step length of the shipped robots
_STRIP: Final = 80  # cells along each side of a strip
_MARGIN: Final = 25  # cells at the edge of a strip without episode starts
_SEED: Final = 7

TERRAIN: Final = "terrain"
"""Name of the height field and of its geom."""


@dataclass(frozen=True)
class Terrain:
    """Strips of ground along x, one per level. Heights at the grid points are uniform in ±roughness, with mean 0."""

    levels: Float64Array
    """Roughness of each strip, (L,), m, ascending."""
    heights: Float64Array
    """Heights at the grid points, (rows along y, columns along x), m."""

    @classmethod
    def of(cls, levels: Float64Array) -> "Terrain":
        """Create the strips; the same levels give the same ground."""
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
        """Return the index of the strip with the nearest roughness, (k,), for each of k episodes."""
        nearest: Indices = np.abs(roughness.reshape(-1, 1) - self.levels).argmin(axis=1)
        return nearest

    def start_positions(self, level: Indices, uniform: Float64Array) -> Float64Array:
        """Return start positions, (k, 2), m, inside the margins of the strips.

        Args:
            level: Strip of each episode, (k,).
            uniform: (k, 2), in [0, 1).
        """
        half = np.array(self.size)
        inner = _CELL * (_STRIP - 2 * _MARGIN)
        corner = np.stack((level * _STRIP * _CELL, np.zeros(len(level))), axis=1) + _CELL * _MARGIN - half
        positions: Float64Array = corner + uniform * inner
        return positions

    def height(self, point: Float64Array) -> Float64Array:
        """Return the height of the ground at points, (..., 2) to (...), m.

        As in MuJoCo, a cell is two triangles, split along the diagonal from its first corner.
        """
        half = np.array(self.size)
        cell = (point + half) / _CELL
        rows, columns = self.heights.shape
        # Unlike clip, fmin and fmax map NaN to a valid cell: diverged simulations are passed in too.
        column = np.fmax(np.fmin(cell[..., 0], columns - 1.000001), 0.0)
        row = np.fmax(np.fmin(cell[..., 1], rows - 1.000001), 0.0)
        i, j = row.astype(np.intp), column.astype(np.intp)
        v, u = row - i, column - j
        first, across = self.heights[i, j], self.heights[i + 1, j + 1]
        beside = np.where(u >= v, self.heights[i, j + 1], self.heights[i + 1, j])
        more, less = np.maximum(u, v), np.minimum(u, v)
        height: Float64Array = first + more * (beside - first) + less * (across - beside)
        return height
