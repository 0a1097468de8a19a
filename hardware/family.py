"""A family of motors: one folder exports one `Family`, which its package registers as an entry point.

The group is `sim2real.motor_families`; the name is what `family:` says in a motor YAML.

    [project.entry-points."sim2real.motor_families"]
    acme = "acme_motors.family:FAMILY"

A family is loaded when a configuration names it, so its module imports interfaces and its own schema alone; each method
imports the part that it gives. So a driver never loads the emulator.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sim2real.configs.families import FamilySchema
from sim2real.configs.schema.motor import MotorConfig
from sim2real.configs.schema.robot import BusConfig, JointConfig, SafetyConfig
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
    """All that the stack needs of motors that speak one protocol."""

    start: StartValues
    """For `sim2real new robot`."""
    when_silent: str
    """What stops the motors when their client falls silent with torque on, as a sentence for warnings."""

    @abstractmethod
    def driver(
        self,
        bus: BusConfig,
        joints: Mapping[str, JointConfig],
        safety: SafetyConfig,
        transport: Transport,
        clock: Clock,
    ) -> BusDriver:
        """Return the driver of one bus; nothing is sent before its `open`.

        Args:
            bus: Its speed.
            joints: The joints on it, in the order of the arrays.
            safety: How long motors go on without instructions.
            transport: An open port, which the driver owns from now on.
            clock: The clock of the transport.
        """

    @abstractmethod
    def position_law(self, joint: JointConfig, supply: float, voltage_max: float) -> PositionLaw:
        """Return the law that a joint in position or impedance mode follows with the settings that the driver makes.

        Args:
            joint: The joint.
            supply: V
            voltage_max: V; highest supply that safety allows.
        """

    @abstractmethod
    def workbench(self, transport: Transport, clock: Clock) -> Workbench:
        """Return what `sim2real motors` works with on one port, which the caller closes."""

    @abstractmethod
    def emulated_motor(self, motor: MotorConfig, motor_id: int, baudrate: int) -> EmulatedMotor:
        """Return the firmware model of a motor of this type, set to an id and a baud rate, bit/s."""

    @abstractmethod
    def device_protocol(self) -> DeviceProtocol[Any, Any]:
        """Return the protocol at the motors' end of one emulated line."""

    def tick_benchmark(self) -> Callable[[int, float], dict[str, Any]] | None:
        """Return what compares the driver's tick with other libraries' for so many motors and seconds, if anything.

        It returns `ratios`, `figures`, and the names of the `libraries`.
        """
        return None

    def group_read(self, ids: Sequence[int]) -> GroupRead | None:
        """Return the request that all these motors answer at once; None where the protocol has none."""
        return None
