"""The moteus family: brushless controllers behind an fdcanusb adapter."""

from collections.abc import Mapping
from random import Random
from typing import Any

from sim2real.configs.schema.motor import MotorConfig
from sim2real.configs.schema.robot import BusConfig, JointConfig
from sim2real.configs.schema.safety import SafetyConfig
from sim2real.hardware.bus.transport import Transport
from sim2real.hardware.clock import Clock
from sim2real.hardware.family import Family
from sim2real.hardware.firmware.device_protocol import DeviceProtocol
from sim2real.hardware.firmware.motor import EmulatedMotor
from sim2real.hardware.interface import BusDriver
from sim2real.hardware.moteus.schema import MoteusRegisters
from sim2real.hardware.position_law import PositionLaw
from sim2real.hardware.start_values import StartValues
from sim2real.hardware.workbench.interface import Workbench


class MoteusFamily(Family):
    """moteus controllers with true impedance control; each has its own watchdog time-out."""

    def driver(
        self,
        bus: BusConfig,
        joints: Mapping[str, JointConfig],
        safety: SafetyConfig,
        transport: Transport,
        clock: Clock,
    ) -> BusDriver:
        """Return the driver of one bus."""
        from sim2real.hardware.moteus.driver import MoteusBus

        return MoteusBus(bus, joints, safety, transport, clock)

    def position_law(self, joint: JointConfig, supply: float, voltage_max: float) -> PositionLaw:
        """Return the joint's own gains: current is controlled, and each command sets gains and effort limit."""
        return PositionLaw(joint.stiffness, joint.damping, torque_max=joint.effort_limit)

    def workbench(self, transport: Transport, clock: Clock) -> Workbench:
        """Return the workbench on one port."""
        from sim2real.hardware.moteus.workbench import MoteusWorkbench

        return MoteusWorkbench(transport, clock)

    def emulated_motor(self, motor: MotorConfig, motor_id: int, baudrate: int) -> EmulatedMotor:
        """Return the firmware model of a controller and its motor."""
        from sim2real.hardware.moteus.firmware.controller import MoteusMotor

        return MoteusMotor(motor, motor_id, baudrate)

    def wear(self, motor: EmulatedMotor, draw: Random) -> Mapping[str, float]:
        """Leave configuration values as an earlier owner's tools may have left them."""
        from sim2real.hardware.moteus.firmware.wear import wear

        return wear(motor, draw)

    def device_protocol(self) -> DeviceProtocol[Any, Any]:
        """Return the emulated adapter with its CAN bus."""
        from sim2real.hardware.moteus.firmware.bus import MoteusProtocol

        return MoteusProtocol()


FAMILY = MoteusFamily(
    protocol="moteus",
    registers=MoteusRegisters,
    modes=("impedance",),
    ids=range(1, 128),
    death_states={"impedance": ("damp", "hold")},
    # A brushless motor cannot run at its stall torque, and its no-load speed is too high for a joint.
    start=StartValues(
        motor="moteus_r4_mj5208_6to1",
        mode="impedance",
        port="/dev/fdcanusb",
        baudrate="1 Mbaud",
        baudrate_check="the baud rate of the adapter's UART; ignored over USB",
        centre=0.0,
        effort_share=0.2,
        velocity_share=0.15,
        reach=0.5,
    ),
    when_silent="a moteus that has torque damps its joint after its time-out, with torque on",
)
