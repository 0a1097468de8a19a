"""The Dynamixel family: X-series motors with Protocol 2.0."""

from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any

from sim2real.configs.schema.motor import MotorConfig
from sim2real.configs.schema.robot import BusConfig, JointConfig
from sim2real.configs.schema.safety import SafetyConfig
from sim2real.hardware.bus.group_read import GroupRead
from sim2real.hardware.bus.transport import Transport
from sim2real.hardware.clock import Clock
from sim2real.hardware.dynamixel.schema import DynamixelRegisters
from sim2real.hardware.family import Family
from sim2real.hardware.firmware.device_protocol import DeviceProtocol
from sim2real.hardware.firmware.motor import EmulatedMotor
from sim2real.hardware.interface import BusDriver
from sim2real.hardware.position_law import PositionLaw
from sim2real.hardware.start_values import StartValues
from sim2real.hardware.workbench.interface import Workbench


class DynamixelFamily(Family):
    """Dynamixel X-series motors; each has its own Bus Watchdog."""

    def driver(
        self,
        bus: BusConfig,
        joints: Mapping[str, JointConfig],
        safety: SafetyConfig,
        transport: Transport,
        clock: Clock,
    ) -> BusDriver:
        """Return the driver of one bus."""
        from sim2real.hardware.dynamixel.driver import DynamixelBus

        return DynamixelBus(bus, joints, safety, transport, clock)

    def position_law(self, joint: JointConfig, supply: float, voltage_max: float) -> PositionLaw:
        """Return the control law that follows from the position gains, PWM Limit and Current Limit."""
        from sim2real.hardware.dynamixel.gains import position_law

        return position_law(joint, supply, voltage_max)

    def workbench(self, transport: Transport, clock: Clock) -> Workbench:
        """Return the workbench on one port."""
        from sim2real.hardware.dynamixel.workbench import DynamixelWorkbench

        return DynamixelWorkbench(transport, clock)

    def emulated_motor(self, motor: MotorConfig, motor_id: int, baudrate: int) -> EmulatedMotor:
        """Return the firmware model of an X-series motor."""
        from sim2real.hardware.dynamixel.firmware.motor import XSeriesMotor

        return XSeriesMotor(motor, motor_id, baudrate)

    def wear(self, motor: EmulatedMotor, draw: Random) -> Mapping[str, float]:
        """Leave registers of a control table as an earlier owner's tools may have left them."""
        from sim2real.hardware.dynamixel.firmware.wear import wear

        return wear(motor, draw)

    def device_protocol(self) -> DeviceProtocol[Any, Any]:
        """Return the motors' end of Protocol 2.0."""
        from sim2real.hardware.dynamixel.firmware.bus import XSeriesProtocol

        return XSeriesProtocol()

    def tick_benchmark(self) -> Callable[[int, float], dict[str, Any]]:
        """Return the benchmark against the vendor's SDK, and against rustypot if it is installed."""
        from sim2real.hardware.dynamixel.benchmark.tick import bench_tick

        return bench_tick

    def group_read(self, ids: Sequence[int]) -> GroupRead:
        """Return a fast sync read of current, velocity and position at 4 Mbaud."""
        from sim2real.hardware.dynamixel.group_read import group_read

        return group_read(ids)


FAMILY = DynamixelFamily(
    protocol="dynamixel2",
    registers=DynamixelRegisters,
    modes=("current", "position"),
    ids=range(253),
    death_states={"position": ("damp", "hold")},
    start=StartValues(
        motor="xm430_w350",
        mode="position",
        port="/dev/ttyUSB0",
        baudrate="1 Mbaud",
        baudrate_check="the baud rate set in the motors; factory default: 57600 baud",
        centre=180.0,
        effort_share=0.7,
        velocity_share=1.0,
        reach=0.25,
    ),
    when_silent="a Dynamixel that has torque is stopped by its Bus Watchdog: in position mode it keeps torque on and "
    "holds its position",
)
