"""The reading registers of an X-series motor, updated when they are read."""

import struct

from sim2real.configs.schema.motor import MotorConfig
from sim2real.hardware.dynamixel.firmware.control import ControlLoop
from sim2real.hardware.dynamixel.firmware.memory import Memory
from sim2real.hardware.dynamixel.gains import PWM_FULL
from sim2real.hardware.dynamixel.schema import registers_of
from sim2real.hardware.firmware.encoder import Encoder
from sim2real.hardware.firmware.motor import Shaft

# Writing the registers one by one takes three times as long, and all motors of a robot are read at every tick.
BLOCK = struct.Struct("<HBBhhiiiiHB")
"""Realtime Tick (120) to Present Temperature (146), which are contiguous in every model."""
_GOAL, _MOVING_THRESHOLD = struct.Struct("<i"), struct.Struct("<I")
BLOCK_REGISTERS = (
    "realtime_tick",
    "moving",
    "moving_status",
    "present_pwm",
    "effort",  # Present Current or Present Load
    "present_velocity",
    "present_position",
    "velocity_trajectory",
    "position_trajectory",
    "present_input_voltage",
    "present_temperature",
)
"""The registers of the block, in order."""
_TICK_WRAP = 32_768  # ms, Realtime Tick (120)
_LOAD_MAX, _CURRENT_MAX = 1000.0, 32_767.0
_IN_POSITION_COUNTS = 20  # for bit 0 of Moving Status; an assumption, the e-Manual gives no figure


class Readings:
    """The reading registers of one motor."""

    def __init__(self, config: MotorConfig, memory: Memory, shaft: Shaft, encoder: Encoder, loop: ControlLoop) -> None:
        self._memory = memory
        self._shaft = shaft
        self._encoder = encoder
        self._loop = loop
        self._velocity_unit = config.velocity_unit
        self._address = memory.table[BLOCK_REGISTERS[0]].address
        self._error_address = memory.table["hardware_error_status"].address
        self._goal_address = memory.table["goal_position"].address
        self._threshold_address = memory.table["moving_threshold"].address
        self._torque_unit = config.effort_unit
        self._effort_max = _LOAD_MAX if registers_of(config).current_unit is None else _CURRENT_MAX

    def refresh(self, error_status: int, duty: float, up_ns: int) -> None:
        """Update the registers.

        Args:
            error_status: Hardware Error Status (70).
            duty: Winding voltage as a share of the supply, in the shaft's direction.
            up_ns: Time since boot, ns.
        """
        shaft = self._shaft
        sign = -1.0 if self._encoder.reversed else 1.0
        counts = self._encoder.counts(shaft.angle)
        velocity = 0 if self._encoder.stuck else round(sign * shaft.velocity / self._velocity_unit)
        profile = self._loop.profile
        memory = self._memory.bytes
        (goal,) = _GOAL.unpack_from(memory, self._goal_address)
        arrived = abs(goal - counts) <= _IN_POSITION_COUNTS
        memory[self._error_address] = error_status
        BLOCK.pack_into(
            memory,
            self._address,
            up_ns // 1_000_000 % _TICK_WRAP,
            abs(velocity) > _MOVING_THRESHOLD.unpack_from(memory, self._threshold_address)[0],
            arrived | profile.running << 1,
            round(sign * duty * PWM_FULL),
            round(min(max(sign * shaft.torque / self._torque_unit, -self._effort_max), self._effort_max)),
            velocity,
            counts,
            round(self._loop.trajectory_velocity),
            round(profile.position),
            round(shaft.voltage * 10.0),
            min(255, max(0, round(shaft.temperature))),
        )
