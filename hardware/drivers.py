"""The drivers, by the protocol of their bus."""

from collections.abc import Callable, Mapping
from typing import Protocol

from configs.schema.robot import BusConfig, JointConfig, SafetyConfig
from hardware.clock import Clock
from hardware.dynamixel.driver import DynamixelBus
from hardware.feetech.driver import FeetechBus
from hardware.interface import JointInterface
from hardware.moteus.driver import MoteusBus
from hardware.transport import Transport


class BusDriver(JointInterface, Protocol):
    """The joints of one bus, and what setting them up changed."""

    @property
    def notices(self) -> list[str]:
        """What `open` changed in the motors, one line each, for people to read."""
        ...


MakeDriver = Callable[[BusConfig, Mapping[str, JointConfig], SafetyConfig, Transport, Clock], BusDriver]

DRIVERS: dict[str, MakeDriver] = {
    "dynamixel2": DynamixelBus,
    "moteus": MoteusBus,
    "feetech": FeetechBus,
}
