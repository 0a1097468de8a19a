"""A family of IMUs: one folder exports one `ImuFamily`, which its package registers as an entry point.

The group is `sim2real.imu_families`; the name is what `protocol:` says of an IMU in a robot YAML.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass

from sim2real.configs.families import IMU_FAMILIES, ImuFamilySchema, part_of
from sim2real.configs.plugins import PluginError
from sim2real.configs.schema.robot import ImuConfig
from sim2real.hardware.bus.transport import Transport
from sim2real.hardware.clock import Clock
from sim2real.hardware.firmware.unit import EmulatedUnit
from sim2real.hardware.imu.interface import Imu


@dataclass(frozen=True, kw_only=True)
class ImuFamily(ImuFamilySchema, ABC):
    """All that the stack needs of IMUs that speak one protocol; each method imports the part it gives."""

    start_baudrate: str
    """For `sim2real new robot`, as a robot YAML has it."""

    @abstractmethod
    def driver(self, name: str, config: ImuConfig, transport: Transport, clock: Clock) -> Imu:
        """Return the driver of one unit; nothing is sent before its `open`.

        Args:
            name: For messages.
            config: Speed of the line, samples per second, mounting.
            transport: An open port, which the driver owns from now on.
            clock: The clock of the transport.
        """

    @abstractmethod
    def emulated_unit(self, baudrate: int, seed: int) -> EmulatedUnit:
        """Return the firmware model of a unit, set to a baud rate, bit/s, with noise drawn from a seed."""


def imu_family(protocol: str) -> ImuFamily:
    """Return the family of IMUs that has a protocol.

    Raises:
        ConfigError: No such family is installed; lists those that are.
        PluginError: Its package is broken.
    """
    family = IMU_FAMILIES[protocol]
    if not isinstance(family, ImuFamily):
        package = IMU_FAMILIES.provider(protocol)
        raise PluginError(
            f"IMU family {protocol!r} of {package.package} {package.version}: {part_of(ImuFamily)(family)}"
        )
    return family
