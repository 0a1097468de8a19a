"""The interface of inertial measurement units, and all of a robot's as one."""

from collections.abc import Callable, Mapping
from typing import Protocol, runtime_checkable

from sim2real.configs.schema.robot import ImuConfig
from sim2real.hardware.bus.transport import Transport
from sim2real.hardware.clock import Clock
from sim2real.hardware.errors import HardwareError, PortLostError
from sim2real.hardware.imu.sample import ImuSample
from sim2real.hardware.imu.watch import ImuWatch
from sim2real.hardware.types import ImuState
from sim2real.hardware.witmotion.driver import WitMotionImu


class Imu(Protocol):
    """One unit on a port of its own. The order of calls is open, then read, then close."""

    @property
    def notices(self) -> list[str]:
        """What `open` changed in the unit, one line each, for people to read."""
        ...

    @property
    def rate_max(self) -> float:
        """Highest angular velocity about an axis that the unit can measure, rad/s."""
        ...

    def open(self) -> None:
        """Check that the unit is there, and set it up as configured.

        Raises:
            HardwareError: It does not answer, or not as configured.
        """
        ...

    def read(self) -> ImuSample | None:
        """Take everything that has arrived, without waiting; return the newest whole sample, None if there is none.

        Raises:
            PortLostError: The port vanished.
        """
        ...

    def close(self) -> None:
        """Release the port. Never raises; closing twice does nothing."""
        ...


MakeImu = Callable[[str, ImuConfig, Transport, Clock], Imu]

IMUS: dict[str, MakeImu] = {"witmotion": WitMotionImu}
"""Drivers by protocol."""


@runtime_checkable
class WithImus(Protocol):
    """Hardware that has IMUs beside its joints."""

    def read_imus(self, state: ImuState) -> None:
        """Update the state with what has arrived since the last call, without waiting. Never raises."""
        ...


class RobotImus:
    """The IMUs of a robot, in the order of its YAML.

    Args:
        configs: The units by name.
        transports: An open port for each of them, by name. They are closed with the units.
        clock: The clock of the transports.

    Raises:
        HardwareError: A unit has no transport.
    """

    def __init__(self, configs: Mapping[str, ImuConfig], transports: Mapping[str, Transport], clock: Clock) -> None:
        self._clock = clock
        self._units: list[Imu] = []
        self._watches: list[ImuWatch] = []
        for name, config in configs.items():
            if name not in transports:
                raise HardwareError(f"no port for IMU {name!r}")
            unit = IMUS[config.protocol](name, config, transports[name], clock)
            self._units.append(unit)
            self._watches.append(ImuWatch(config, unit.rate_max))

    @property
    def units(self) -> tuple[Imu, ...]:
        """The units, in the order of the robot's YAML."""
        return tuple(self._units)

    @property
    def notices(self) -> list[str]:
        """What `open` changed in the units, one line each."""
        return [notice for unit in self._units for notice in unit.notices]

    def open(self) -> None:
        """Open all units. Raises HardwareError if one is not as configured."""
        for unit in self._units:
            unit.open()

    def read(self, state: ImuState) -> None:
        """Update the state with what has arrived since the last call, without waiting. Never raises.

        A unit whose port vanished is stale from then on.
        """
        for row, (unit, watch) in enumerate(zip(self._units, self._watches, strict=True)):
            try:
                sample = unit.read()
            except PortLostError:
                watch.lose(state, row)
            else:
                watch.note(state, row, sample, self._clock.now_ns())

    def close(self) -> None:
        """Release the ports. Never raises; closing twice does nothing."""
        for unit in self._units:
            unit.close()
