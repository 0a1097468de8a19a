"""Entropy of a curriculum: its width as one number, comparable between strategies."""

import numpy as np

from sim2real.hardware.types import Float64Array

ENTROPY_FLOOR = -5.0
"""nats; logged entropies are cut here, at a width of e⁻⁵ of the limits: at the start they are −∞."""


def width_entropy(width: Float64Array, span: Float64Array) -> float:
    """Return the ADR entropy, (1/D) Σ log(φᴴ − φᴸ), in nats per dimension (arXiv 1910.07113, appendix B).

    Widths are relative to the distance of the limits: 0 means that all boundaries are at their limits, whatever the
    units of the parameters. Parameters with equal limits are left out.

    Args:
        width: Distance between the boundaries, (D,).
        span: Distance between the limits, (D,), in the same unit.
    """
    movable = span > 0.0
    if not movable.any():
        return 0.0
    share = np.maximum(width[movable] / span[movable], np.exp(ENTROPY_FLOOR))
    return float(np.log(share).mean())
