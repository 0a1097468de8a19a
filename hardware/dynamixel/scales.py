"""Scale and offset from motor units to joint units, direction and zero angle included."""

import math
from collections.abc import Callable, Iterable

import numpy as np

from sim2real.configs.schema.robot import JointConfig
from sim2real.hardware.types import Float64Array


class JointScales:
    """joint value = counts * scale (+ offset), for J joints.

    Attributes:
        position: rad for each count of Present Position.
        position_offset: rad.
        velocity: rad/s for each unit of Present Velocity.
        effort: N*m for each unit of Present Current, or of Present Load where there is no current.
    """

    def __init__(self, joints: Iterable[JointConfig]) -> None:
        configs = tuple(joints)

        def array(value: Callable[[JointConfig], float]) -> Float64Array:
            return np.array([value(config) for config in configs], np.float64)

        # joint angle = direction * (motor angle - zero), motor angle = counts * 2 pi / counts per turn
        self.position = array(lambda joint: joint.direction * math.tau / joint.motor.counts_per_revolution)
        self.position_offset = array(lambda joint: -joint.direction * joint.zero)
        self.velocity = array(lambda joint: joint.direction * joint.motor.velocity_unit)
        self.effort = array(lambda joint: joint.direction * joint.motor.effort_unit)
