"""How wide a curriculum has become: one number that is comparable between strategies."""

import numpy as np

from sim2real.hardware.types import Float64Array

ENTROPY_FLOOR = -5.0
"""nats; what a parameter that varies by less than e⁻⁵ of its limits counts in the log: at the start it is −∞."""


def width_entropy(width: Float64Array, room: Float64Array) -> float:
    """Return the ADR entropy, (1/D) Σ log(φᴴ − φᴸ), in nats per dimension (arXiv 1910.07113, appendix B).

    Widths are in units of the distance of the limits: 0 means that every parameter has its whole limits, and the number
    does not depend on whether an angle or a mass is randomised. Parameters without room are left out.

    Args:
        width: Distance of the boundaries, (D,).
        room: Distance of the limits, (D,), in the same unit.
    """
    movable = room > 0.0
    if not movable.any():
        return 0.0
    share = np.maximum(width[movable] / room[movable], np.exp(ENTROPY_FLOOR))
    return float(np.log(share).mean())
