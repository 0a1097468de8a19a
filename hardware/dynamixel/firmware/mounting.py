"""What Drive Mode (10) and Homing Offset (20) of an emulated X-series motor make of its encoder's counts.

Source: ROBOTIS e-Manual, XM430-W350.
"""

from typing import Final

from sim2real.hardware.dynamixel.firmware.control import POSITION
from sim2real.hardware.dynamixel.firmware.memory import Memory
from sim2real.hardware.firmware.encoder import Encoder

_HOMING_MAX: Final = 1024  # counts; position mode ignores a larger Homing Offset (20)


def load_mounting(memory: Memory, encoder: Encoder, angle: float) -> None:
    """Give the encoder the direction and the offset in the registers, at a shaft angle, rad."""
    reverse = bool(memory.get("drive_mode") & 1)
    if reverse != encoder.reversed:
        # An assumption: within one turn at once, as after power-up. LeRobot's leader arms (Koch, OMX) reverse a joint
        # in their first session, and its calibration would not survive a power cycle otherwise.
        encoder.reversed = reverse
        encoder.forget_turns(angle)
    offset = memory.get("homing_offset")
    fits = -_HOMING_MAX <= offset <= _HOMING_MAX
    encoder.offset = offset if fits or memory.get("operating_mode") != POSITION else 0
