"""The families of motors that can be emulated, by the protocol of their bus."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sim2real.configs.schema.motor import MotorConfig
from sim2real.hardware.dynamixel.firmware.bus import XSeriesProtocol
from sim2real.hardware.dynamixel.firmware.motor import XSeriesMotor
from sim2real.hardware.emulator.device_protocol import DeviceProtocol
from sim2real.hardware.emulator.motor import EmulatedMotor
from sim2real.hardware.feetech.firmware.bus import StsProtocol
from sim2real.hardware.feetech.firmware.motor import StsMotor
from sim2real.hardware.moteus.firmware.bus import MoteusProtocol
from sim2real.hardware.moteus.firmware.controller import MoteusMotor


@dataclass(frozen=True)
class EmulatedFamily:
    """What the far end of a family's wires is made of."""

    motor: Callable[[MotorConfig, int, int], EmulatedMotor]
    """Makes a motor from its type, its id, and the baud rate it is set to."""
    wire: Callable[[], DeviceProtocol[Any, Any]]
    """Makes the protocol of one line."""


FAMILIES = {
    "dynamixel2": EmulatedFamily(XSeriesMotor, XSeriesProtocol),
    "feetech": EmulatedFamily(StsMotor, StsProtocol),
    "moteus": EmulatedFamily(MoteusMotor, MoteusProtocol),
}
