"""What the robot measures, as the contract sees it: batched arrays in SI units, names already resolved to columns."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from hardware.types import Float64Array


@dataclass(slots=True)
class Signals:
    """Readings of n robots with J joints each; every array is (n, J), float64 and C-contiguous."""

    joint_position: Float64Array
    """rad"""
    joint_velocity: Float64Array
    """rad/s"""
    joint_effort: Float64Array
    """N·m"""

    @classmethod
    def zeros(cls, n: int, joints: int) -> Self:
        """Return signals of zeros."""
        return cls(np.zeros((n, joints)), np.zeros((n, joints)), np.zeros((n, joints)))
