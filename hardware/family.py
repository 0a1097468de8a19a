"""The `Family` class: everything the stack needs to know about a motor family.

One folder defines one `Family`. Its package registers it as an entry point in the group `sim2real.motor_families`; the
name is the value of `family:` in a motor YAML.

    [project.entry-points."sim2real.motor_families"]
    acme = "acme_motors.family:FAMILY"

A family is loaded when a configuration names it. Its module imports only interfaces and its own schema; each method
imports the part it returns. So a driver never loads the emulator.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from sim2real.configs.families import FamilySchema
from sim2real.configs.schema.motor import MotorConfig
from sim2real.configs.schema.robot import BusConfig, JointConfig
from sim2real.configs.schema.safety import SafetyConfig
from sim2real.hardware.bus.group_read import GroupRead
from sim2real.hardware.bus.transport import Transport
from sim2real.hardware.clock import Clock
from sim2real.hardware.firmware.device_protocol import DeviceProtocol
from sim2real.hardware.firmware.motor import EmulatedMotor
from sim2real.hardware.interface import BusDriver
from sim2real.hardware.position_law import PositionLaw
from sim2real.hardware.start_values import StartValues
from sim2real.hardware.workbench.interface import Workbench


@dataclass(frozen=True, kw_only=True)
class Family(FamilySchema, ABC):
    """Everything the stack needs for motors that speak one protocol."""

    start: StartValues
    """Start values for `sim2real new robot`."""
    when_silent: str
    """What a motor that has torque does by itself when it hears nothing more; a clause for warnings."""

    @abstractmethod
    def driver(
        self,
        bus: BusConfig,
        joints: Mapping[str, JointConfig],
        safety: SafetyConfig,
        transport: Transport,
        clock: Clock,
    ) -> BusDriver:
        """Return the driver of one bus. Nothing is sent before `open`.

        Args:
            bus: The bus configuration; it gives the baud rate.
            joints: The joints on the bus, in array order.
            safety: Gives how long the motors keep running without instructions.
            transport: An open port. The driver owns it from now on.
            clock: The clock of the transport.
        """

    @abstractmethod
    def position_law(self, joint: JointConfig, supply: float, voltage_max: float) -> PositionLaw:
        """Return the control law of a joint in position or impedance mode, with the settings that the driver writes.

        Args:
            joint: The joint.
            supply: Supply voltage, V.
            voltage_max: Highest supply voltage that the safety limits allow, V.
        """

    @abstractmethod
    def workbench(self, transport: Transport, clock: Clock) -> Workbench:
        """Return the workbench that `sim2real motors` uses on one port. The caller closes the port."""

    @abstractmethod
    def emulated_motor(self, motor: MotorConfig, motor_id: int, baudrate: int) -> EmulatedMotor:
        """Return the firmware model of a motor of this type, with this id and baud rate (bit/s)."""

    @abstractmethod
    def device_protocol(self) -> DeviceProtocol[Any, Any]:
        """Return the device protocol for one emulated line: the motors' end."""

    def tick_benchmark(self) -> Callable[[int, float], dict[str, Any]] | None:
        """Return a benchmark that compares the driver's tick with other libraries'; None if there is none.

        It is called with the number of motors and the duration in s, and returns `ratios`, `figures` and the names of
        the `libraries`.
        """
        return None

    def wear(self, motor: EmulatedMotor, draw: Random) -> Mapping[str, float]:
        """Leave an emulated motor as an earlier owner's tools may have left it; return what was changed, by register.

        Id and baud rate are kept. A family without such registers changes nothing.
        """
        return {}

    def group_read(self, ids: Sequence[int]) -> GroupRead | None:
        """Return the one request that all these motors answer; None if the protocol has none."""
        return None
