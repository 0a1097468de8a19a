"""Attitudes of many bodies as unit quaternions w x y z."""

import numpy as np

from sim2real.hardware.types import Float64Array


def turned(turn: Float64Array, attitude: Float64Array) -> Float64Array:
    """Return attitudes rotated about the world's axes: the Hamilton product turn · attitude.

    Args:
        turn: Rotation of each robot, (k, 4).
        attitude: Attitudes of K bodies of each robot, (k, K, 4).

    Returns:
        (k, K, 4).
    """
    a, b, c, d = (turn[:, None, part] for part in range(4))
    w, x, y, z = (attitude[:, :, part] for part in range(4))
    product = np.empty_like(attitude)
    product[:, :, 0] = a * w - b * x - c * y - d * z
    product[:, :, 1] = a * x + b * w + c * z - d * y
    product[:, :, 2] = a * y - b * z + c * w + d * x
    product[:, :, 3] = a * z + b * y - c * x + d * w
    return product
