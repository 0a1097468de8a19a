"""The `ImuFamily` class: everything the stack needs to know about an IMU family.

One folder defines one `ImuFamily`. Its package registers it as an entry point in the group `sim2real.imu_families`; the
name is the value of `protocol:` of an IMU in a robot YAML.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass

from sim2real.configs.families import IMU_FAMILIES, ImuFamilySchema
from sim2real.configs.schema.robot import ImuConfig
from sim2real.hardware.bus.transport import Transport
from sim2real.hardware.clock import Clock
from sim2real.hardware.firmware.unit import EmulatedUnit
from sim2real.hardware.imu.interface import Imu
from sim2real.hardware.imu.workbench_interface import ImuWorkbench


@dataclass(frozen=True, kw_only=True)
class ImuFamily(ImuFamilySchema, ABC):
    """Everything the stack needs for IMUs that speak one protocol; each method imports the part it returns."""

    start_baudrate: str
    """Baud rate for `sim2real new robot`, as written in YAML."""

    @abstractmethod
    def driver(self, name: str, config: ImuConfig, transport: Transport, clock: Clock) -> Imu:
        """Return the driver of one unit. Nothing is sent before `open`.

        Args:
            name: Name of the unit, for messages.
            config: Gives baud rate, sample rate and mounting.
            transport: An open port. The driver owns it from now on.
            clock: The clock of the transport.
        """

    @abstractmethod
    def emulated_unit(self, baudrate: int, seed: int) -> EmulatedUnit:
        """Return the firmware model of a unit, with this baud rate (bit/s) and noise drawn from this seed."""

    def workbench(self, transport: Transport, clock: Clock) -> ImuWorkbench | None:
        """Return what `sim2real imu` does with a unit on an open port; None if that is not supported."""
        return None


def imu_family(protocol: str) -> ImuFamily:
    """Return the IMU family of a protocol.

    Raises:
        ConfigError: No such family is installed; lists the installed ones.
        PluginError: The family's package is broken.
    """
    return IMU_FAMILIES.of(protocol, ImuFamily)  # type: ignore[type-abstract]  # compared with, never made


def imu_workbenches(transport: Transport, clock: Clock) -> dict[str, ImuWorkbench]:
    """Return the workbench of each IMU family that loads and has one, by protocol."""
    benches = {name: imu_family(name).workbench(transport, clock) for name in IMU_FAMILIES.working()[0]}
    return {name: bench for name, bench in benches.items() if bench is not None}
