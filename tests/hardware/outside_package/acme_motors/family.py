"""The family object that this package registers."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from acme_motors.registers import AcmeRegisters
from sim2real.configs.schema.motor import MotorConfig
from sim2real.configs.schema.robot import BusConfig, JointConfig
from sim2real.configs.schema.safety import SafetyConfig
from sim2real.hardware.bus.transport import Transport
from sim2real.hardware.clock import Clock
from sim2real.hardware.family import Family
from sim2real.hardware.firmware.device_protocol import DeviceProtocol
from sim2real.hardware.firmware.motor import EmulatedMotor
from sim2real.hardware.interface import BusDriver
from sim2real.hardware.position_law import PositionLaw
from sim2real.hardware.start_values import StartValues
from sim2real.hardware.workbench.interface import Workbench


class AcmeFamily(Family):
    def driver(
        self,
        bus: BusConfig,
        joints: Mapping[str, JointConfig],
        safety: SafetyConfig,
        transport: Transport,
        clock: Clock,
    ) -> BusDriver:
        from acme_motors.driver import AcmeBus

        return AcmeBus(bus, joints, safety, transport, clock)

    def position_law(self, joint: JointConfig, supply: float, voltage_max: float) -> PositionLaw:
        return PositionLaw(joint.stiffness, joint.damping)

    def workbench(self, transport: Transport, clock: Clock) -> Workbench:
        from acme_motors.workbench import AcmeWorkbench

        return AcmeWorkbench(transport, clock)

    def emulated_motor(self, motor: MotorConfig, motor_id: int, baudrate: int) -> EmulatedMotor:
        from acme_motors.firmware import FirmwareMotor

        return FirmwareMotor(motor, motor_id, baudrate)

    def device_protocol(self) -> DeviceProtocol[Any, Any]:
        from acme_motors.firmware import LineProtocol

        return LineProtocol()


FAMILY = AcmeFamily(
    protocol="acme_bus",
    registers=AcmeRegisters,
    modes=("position",),
    ids=range(64),
    death_states={"position": ("damp", "hold")},
    start=StartValues(
        motor=str(Path(__file__).with_name("acme_a1.yaml")),
        mode="position",
        port="/dev/ttyUSB0",
        baudrate="1 Mbaud",
        baudrate_check="set by a jumper",
        centre=0.0,
        effort_share=0.5,
        velocity_share=1.0,
        reach=0.2,
    ),
    when_silent="an ACME motor that has torque switches it off by its watchdog",
)
