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
        goal_offset: rad; differs by the turns that the motor counts otherwise.
        velocity: rad/s per unit of Present Velocity.
        effort: N*m per unit of Present Current.
        window: First step of the turn to which a joint's readings are wrapped.
        turn: Bit mask of the steps within one turn; all bits for a joint that moves a turn or more.
    """

    def __init__(self, motors: Sequence[Motor]) -> None:
        configs = [motor.config for motor in motors]
        direction = np.array([config.direction for config in configs], np.float64)
        step = np.array([math.tau / config.motor.counts_per_revolution for config in configs])
        # joint angle = direction * (motor angle - zero)
        self.position = direction * step
        self.position_offset = -direction * np.array([config.zero for config in configs])
        added = np.array([motor.turns for motor in motors], np.float64)
        self.goal_offset = self.position_offset + direction * math.tau * added
        self.velocity = direction * step * np.array([motor.velocity_steps for motor in motors])
        self.effort = direction * np.array(
            [config.motor.torque_constant * registers_of(config.motor).current_unit for config in configs]
        )
        # A reading wraps with the encoder, or counts turns since power-up. A joint that moves less than a turn is
        # wherever its limits allow it, so its readings are wrapped to half a turn around the middle of its range.
        turns = [config.motor.counts_per_revolution for config in configs]
        zipped = list(zip(motors, turns, strict=True))
        self.window = np.array([m.middle - turn // 2 if m.one_turn else 0 for m, turn in zipped], np.int64)
        self.turn = np.array([turn - 1 if m.one_turn else -1 for m, turn in zipped], np.int64)
