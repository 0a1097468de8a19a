"""Scales and offsets from STS units to joint units, with direction and zero."""

import math
from collections.abc import Sequence

import numpy as np

from sim2real.hardware.feetech.motor import Motor
from sim2real.hardware.feetech.schema import registers_of


class JointScales:
    """joint value = steps * scale (+ offset), for J joints.

    Attributes:
        position: rad per step of Present Position.
        position_offset: rad
        velocity: rad/s per unit of Present Velocity.
        effort: N*m per unit of Present Current.
        window: First step of the turn to which a joint's readings are wrapped.
        turn: Bit mask of the steps within one turn; all bits for a multi-turn joint.
    """

    def __init__(self, motors: Sequence[Motor]) -> None:
        configs = [motor.config for motor in motors]
        direction = np.array([config.direction for config in configs], np.float64)
        step = np.array([math.tau / config.motor.counts_per_revolution for config in configs])
        # joint angle = direction * (motor angle - zero)
        self.position = direction * step
        self.position_offset = -direction * np.array([config.zero for config in configs])
        self.velocity = direction * step * np.array([motor.velocity_steps for motor in motors])
        self.effort = direction * np.array(
            [config.motor.torque_constant * registers_of(config.motor).current_unit for config in configs]
        )
        # A single-turn reading wraps with the encoder. A joint pushed slightly past that point has not moved a whole
        # turn, so readings are wrapped to half a turn around the middle of the joint's range.
        turns = [config.motor.counts_per_revolution for config in configs]
        zipped = list(zip(motors, turns, strict=True))
        self.window = np.array([0 if m.many_turns else m.middle - turn // 2 for m, turn in zipped], np.int64)
        self.turn = np.array([-1 if m.many_turns else turn - 1 for m, turn in zipped], np.int64)
