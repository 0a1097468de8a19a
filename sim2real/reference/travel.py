"""How fast something moves along x from one control step to the next."""

import numpy as np

from sim2real.hardware.types import Float64Array
from sim2real.model.addresses import Indices


class Travel:
    """Remembers where n things were at the last control step."""

    def __init__(self, n: int) -> None:
        self.last = np.zeros(n)
        """Position along x at the last control step, m, (n,)."""
        self._velocity = np.zeros(n)

    def begin(self, rows: Indices, x: Float64Array) -> None:
        """Start anew at x, (k,)."""
        self.last[rows] = x

    def velocity(self, x: Float64Array, dt: float) -> Float64Array:
        """Return the mean velocity since the last call, m/s, (n,): a buffer that the next call overwrites."""
        np.subtract(x, self.last, out=self._velocity)
        np.divide(self._velocity, dt, out=self._velocity)
        np.copyto(self.last, x)
        return self._velocity
