"""All IMUs of a robot."""

from collections.abc import Mapping

from sim2real.configs.schema.robot import ImuConfig
from sim2real.hardware.bus.transport import Transport
from sim2real.hardware.clock import Clock
from sim2real.hardware.errors import HardwareError, PortLostError
from sim2real.hardware.imu.family import imu_family
from sim2real.hardware.imu.interface import Imu
from sim2real.hardware.imu.watch import ImuWatch
from sim2real.hardware.interface import Between, nothing
from sim2real.hardware.types import ImuState


class RobotImus:
    """The IMUs of a robot, in the order of the robot YAML.

    Args:
        configs: The units by name.
        transports: An open port for each unit, by name. `close` closes them.
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
            unit = imu_family(config.protocol).driver(name, config, transports[name], clock)
            self._units.append(unit)
            self._watches.append(ImuWatch(config, unit.rate_max))

    @property
    def units(self) -> tuple[Imu, ...]:
        """The units, in the order of the robot YAML."""
        return tuple(self._units)

    @property
    def notices(self) -> list[str]:
        """What `open` changed in the units, one line each."""
        return [notice for unit in self._units for notice in unit.notices]

    @property
    def settings_written(self) -> int:
        """Number of writes to the persistent memory of all units."""
        return sum(unit.settings_written for unit in self._units)

    def open(self, between: Between = nothing) -> None:
        """Open all units. Raises HardwareError if one does not answer or does not match the configuration."""
        for unit in self._units:
            unit.open(between)

    def recover(self, between: Between = nothing) -> None:
        """Open the units again whose port had vanished. Raises HardwareError."""
        for unit in self._units:
            unit.recover(between)

    def read(self, state: ImuState) -> None:
        """Update the state with what has arrived since the last call; does not wait. Never raises.

        A unit whose port vanished is stale from then on.
        """
        for row, (unit, watch) in enumerate(zip(self._units, self._watches, strict=True)):
            try:
                sample = unit.read()
            except PortLostError:
                watch.mark_lost(state, row)
            else:
                watch.update(state, row, sample, self._clock.now_ns())

    def close(self) -> None:
        """Release the ports. Never raises; a second call does nothing."""
        for unit in self._units:
            unit.close()
