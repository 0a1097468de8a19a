"""The drivers, by the protocol of their bus."""

from collections.abc import Callable, Mapping
from typing import Protocol

from sim2real.configs.schema.robot import BusConfig, JointConfig, SafetyConfig
from sim2real.hardware.bus.transport import Transport
from sim2real.hardware.clock import Clock
from sim2real.hardware.dynamixel.driver import DynamixelBus
from sim2real.hardware.feetech.driver import FeetechBus
from sim2real.hardware.interface import JointInterface
from sim2real.hardware.moteus.driver import MoteusBus


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
