"""A binary tree of sums: draws places in proportion to their weights, in logarithmic time."""

from typing import Final

import numpy as np
from numpy.typing import NDArray


class SumTree:
    """Weights of `capacity` places, each node the sum of its two below (Schaul et al. 2016, appendix B.2.1).

    Node 1 is the total, nodes 2i and 2i + 1 are below node i, and the leaves are the last half.

    Args:
        capacity: Places.
    """

    def __init__(self, capacity: int) -> None:
        self._leaves: Final = 1 << max(capacity - 1, 0).bit_length()
        self._nodes: Final = np.zeros(2 * self._leaves)

    @property
    def total(self) -> float:
        """Sum of all weights."""
        return float(self._nodes[1])

    def weights(self, places: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the weights of places, (k,)."""
        found: NDArray[np.float64] = self._nodes[places + self._leaves]
        return found

    def set(self, places: NDArray[np.int64], weights: NDArray[np.float64]) -> None:
        """Set the weights of places, (k,); of one that is named twice, to the last."""
        nodes = places + self._leaves
        self._nodes[nodes] = weights
        while len(nodes) and nodes[0] > 1:  # all nodes are on one level
            nodes = np.unique(nodes >> 1)
            self._nodes[nodes] = self._nodes[2 * nodes] + self._nodes[2 * nodes + 1]

    def find(self, sums: NDArray[np.float64]) -> NDArray[np.int64]:
        """Return the places in which running sums of the weights first exceed the given ones, (k,) in [0, total)."""
        nodes, left_over = np.ones(len(sums), np.int64), sums.copy()
        while nodes[0] < self._leaves:
            left = 2 * nodes
            below = self._nodes[left]
            # A branch without weight is never taken, whatever rounding leaves over.
            right = (left_over >= below) & (self._nodes[left + 1] > 0.0)
            left_over -= np.where(right, below, 0.0)
            nodes = left + right
        return nodes - self._leaves
