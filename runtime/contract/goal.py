"""How far a joint is from the goal: one definition for reward, verdict and report."""

import math

import numpy as np

from hardware.types import Float64Array


def goal_error(position: Float64Array, goal: float, wrap: bool) -> Float64Array:
    """Return position minus goal, rad, of the same shape.

    Args:
        position: Joint positions, any shape, rad.
        goal: rad.
        wrap: Whether full turns count as the same position; the nearest turn's distance, in [-π, π], is returned then.
    """
    error = position - goal
    if wrap:
        # IEEE remainder: exact for distances within half a turn.
        error -= 2.0 * math.pi * np.rint(error / (2.0 * math.pi))
    return error
