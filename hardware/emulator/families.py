"""The families of motors that can be emulated, by the protocol of their bus."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from configs.schema.motor import MotorConfig
from hardware.dynamixel.firmware import XSeriesMotor
from hardware.dynamixel.firmware_bus import XSeriesWire
from hardware.emulator.motor import EmulatedMotor
from hardware.emulator.wire import Wire
from hardware.feetech.firmware import StsMotor
from hardware.feetech.firmware_bus import StsWire
from hardware.moteus.firmware import MoteusMotor
from hardware.moteus.firmware_bus import MoteusWire


@dataclass(frozen=True)
class EmulatedFamily:
    """What the far end of a family's wires is made of."""

    motor: Callable[[MotorConfig, int, int], EmulatedMotor]
    """Makes a motor from its type, its id, and the baud rate it is set to."""
    wire: Callable[[], Wire[Any, Any]]
    """Makes the protocol of one line."""


FAMILIES = {
    "dynamixel2": EmulatedFamily(XSeriesMotor, XSeriesWire),
    "feetech": EmulatedFamily(StsMotor, StsWire),
    "moteus": EmulatedFamily(MoteusMotor, MoteusWire),
}
