"""Scale and offset from STS units to joint units, direction and zero angle included."""

import math
from collections.abc import Sequence

import numpy as np

from sim2real.hardware.feetech.motor import Motor
from sim2real.hardware.feetech.schema import registers_of


class JointScales:
    """joint value = steps * scale (+ offset), for J joints.

    Attributes:
        position: rad for each step of Present Position.
        position_offset: rad.
        velocity: rad/s for each unit of Present Velocity.
        effort: N*m for each unit of Present Current.
        window: Steps at which the turn begins that a joint's readings are laid into.
        turn: Bits of a reading that count; all of them where it counts turns itself.
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
        # Within one turn the reading wraps where the encoder does. A joint pushed a little past that point has not
        # moved a whole turn, so readings are taken to be within half a turn of the middle of its range.
        turns = [config.motor.counts_per_revolution for config in configs]
        zipped = list(zip(motors, turns, strict=True))
        self.window = np.array([0 if m.many_turns else m.middle - turn // 2 for m, turn in zipped], np.int64)
        self.turn = np.array([-1 if m.many_turns else turn - 1 for m, turn in zipped], np.int64)
