"""The WitMotion family of IMUs."""

from sim2real.configs.schema.robot import ImuConfig
from sim2real.hardware.bus.transport import Transport
from sim2real.hardware.clock import Clock
from sim2real.hardware.firmware.unit import EmulatedUnit
from sim2real.hardware.imu.family import ImuFamily
from sim2real.hardware.imu.interface import Imu
from sim2real.hardware.imu.workbench_interface import ImuWorkbench


class WitMotionFamily(ImuFamily):
    """WitMotion units, each on its own serial port."""

    def driver(self, name: str, config: ImuConfig, transport: Transport, clock: Clock) -> Imu:
        """Return the driver of one unit."""
        from sim2real.hardware.witmotion.driver import WitMotionImu

        return WitMotionImu(name, config, transport, clock)

    def workbench(self, transport: Transport, clock: Clock) -> ImuWorkbench:
        """Return the workbench of the unit on a port."""
        from sim2real.hardware.witmotion.workbench import WitMotionWorkbench

        return WitMotionWorkbench(transport, clock)

    def emulated_unit(self, baudrate: int, seed: int) -> EmulatedUnit:
        """Return the firmware model of a unit."""
        from sim2real.hardware.witmotion.firmware import WitMotionUnit

        return WitMotionUnit(baudrate, seed)


FAMILY = WitMotionFamily(rate_max=200.0, start_baudrate="230400 baud")
