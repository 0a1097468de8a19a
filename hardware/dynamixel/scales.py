"""Scales and offsets from motor units to joint units, with direction and zero."""

import math
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from sim2real.configs.schema.robot import JointConfig
from sim2real.hardware.types import Float64Array


class JointScales:
    """joint value = counts * scale (+ offset), for J joints.

    Attributes:
        position: rad per count of Present Position.
        position_offset: rad
        velocity: rad/s per unit of Present Velocity.
        effort: N*m per unit of Present Current, or of Present Load if the model measures no current.
    """

    def __init__(self, joints: Iterable[JointConfig], turns: Sequence[int] | None = None) -> None:
        """Compute the scales.

        Args:
            joints: The joints.
            turns: Turns to add to each motor's reading; none by default.
        """
        configs = tuple(joints)
        added = np.zeros(len(configs)) if turns is None else math.tau * np.array(turns, np.float64)

        def array(value: Callable[[JointConfig], float]) -> Float64Array:
            return np.array([value(config) for config in configs], np.float64)

        # joint angle = direction * (motor angle - zero), motor angle = counts * 2 pi / counts per turn + turns
        self.position = array(lambda joint: joint.direction * math.tau / joint.motor.counts_per_revolution)
        self.position_offset = array(lambda joint: -joint.direction * joint.zero)
        self.position_offset += array(lambda joint: joint.direction) * added
        self.velocity = array(lambda joint: joint.direction * joint.motor.velocity_unit)
        self.effort = array(lambda joint: joint.direction * joint.motor.effort_unit)
