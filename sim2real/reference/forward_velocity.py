"""Velocity along x from positions at consecutive control steps."""

import numpy as np

from sim2real.hardware.types import Float64Array
from sim2real.model.addresses import Indices


class ForwardVelocity:
    """Finite-difference velocity along x of n simulations."""

    def __init__(self, n: int) -> None:
        self.last = np.zeros(n)
        """Position along x at the last control step, m, (n,)."""
        self.velocity = np.zeros(n)
        """Mean velocity over the last control step, m/s, (n,)."""

    def begin(self, rows: Indices, x: Float64Array) -> None:
        """Set the positions of new episodes, (k,), m."""
        self.last[rows] = x

    def update(self, x: Float64Array, dt: float) -> Float64Array:
        """Return the mean velocity since the last call, (n,), m/s, in a buffer that the next call overwrites."""
        np.subtract(x, self.last, out=self.velocity)
        np.divide(self.velocity, dt, out=self.velocity)
        np.copyto(self.last, x)
        return self.velocity
