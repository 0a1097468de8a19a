"""The Feetech family: STS and SMS bus servos."""

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

from sim2real.configs.schema.motor import MotorConfig
from sim2real.configs.schema.robot import BusConfig, JointConfig
from sim2real.configs.schema.safety import SafetyConfig
from sim2real.hardware.bus.group_read import GroupRead
from sim2real.hardware.bus.transport import Transport
from sim2real.hardware.clock import Clock
from sim2real.hardware.family import Family
from sim2real.hardware.feetech.schema import FeetechRegisters
from sim2real.hardware.firmware.device_protocol import DeviceProtocol
from sim2real.hardware.firmware.motor import EmulatedMotor
from sim2real.hardware.interface import BusDriver
from sim2real.hardware.position_law import PositionLaw
from sim2real.hardware.start_values import StartValues
from sim2real.hardware.workbench.interface import Workbench


class FeetechFamily(Family):
    """STS motors; they have no watchdog and rely on the robot's supervisor."""

    def driver(
        self,
        bus: BusConfig,
        joints: Mapping[str, JointConfig],
        safety: SafetyConfig,
        transport: Transport,
        clock: Clock,
    ) -> BusDriver:
        """Return the driver of one bus."""
        from sim2real.hardware.feetech.driver import FeetechBus

        return FeetechBus(bus, joints, safety, transport, clock)

    def position_law(self, joint: JointConfig, supply: float, voltage_max: float) -> PositionLaw:
        """Return the control law that follows from the position gains, Torque Limit and Goal Velocity."""
        from sim2real.hardware.feetech.gains import position_law

        return position_law(joint, supply)

    def workbench(self, transport: Transport, clock: Clock) -> Workbench:
        """Return the workbench on one port."""
        from sim2real.hardware.feetech.workbench import FeetechWorkbench

        return FeetechWorkbench(transport, clock)

    def emulated_motor(self, motor: MotorConfig, motor_id: int, baudrate: int) -> EmulatedMotor:
        """Return the firmware model of an STS motor."""
        from sim2real.hardware.feetech.firmware.motor import StsMotor

        return StsMotor(motor, motor_id, baudrate)

    def wear(self, motor: EmulatedMotor, draw: Random) -> Mapping[str, float]:
        """Leave registers of a memory table as an earlier owner's tools may have left them."""
        from sim2real.hardware.feetech.firmware.wear import wear

        return wear(motor, draw)

    def device_protocol(self) -> DeviceProtocol[Any, Any]:
        """Return the motors' end of Feetech's protocol."""
        from sim2real.hardware.feetech.firmware.bus import StsProtocol

        return StsProtocol()

    def group_read(self, ids: Sequence[int]) -> GroupRead:
        """Return a sync read of position, velocity and the other readings at 1 Mbaud."""
        from sim2real.hardware.feetech.group_read import group_read

        return group_read(ids)


FAMILY = FeetechFamily(
    protocol="feetech",
    registers=FeetechRegisters,
    modes=("position",),
    ids=range(254),
    start=StartValues(
        motor="sts3215_7v4",
        mode="position",
        port="/dev/ttyACM0",
        baudrate="1 Mbaud",
        baudrate_check="the baud rate set in the motors; this is the factory default",
        centre=180.0,
        effort_share=0.7,
        velocity_share=1.0,
        reach=0.25,
    ),
    death_states={"position": ("damp", "hold")},
    when_silent="a Feetech motor has no watchdog: one that has torque keeps it and holds its last goal",
)
