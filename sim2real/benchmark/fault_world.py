"""An emulated robot in lockstep for a campaign of faults, on a clock with alarms."""

from collections.abc import Callable

from sim2real.configs.schema.robot import RobotConfig
from sim2real.configs.schema.scenario import FaultsConfig
from sim2real.hardware.clock import NS_PER_S, VirtualClock, ns_from_s
from sim2real.hardware.emulator.lockstep import lockstep_transports
from sim2real.hardware.emulator.plant import InertiaPlant, make_plant
from sim2real.hardware.emulator.robot import EmulatedRobot
from sim2real.hardware.robot import RobotHardware

_START_NS = NS_PER_S  # not zero, so that a stamp or age that is wrongly zero shows


class AlarmClock(VirtualClock):
    """A virtual clock that calls back when its time has come, as a signal would: in the middle of whatever runs."""

    def __init__(self, start_ns: int) -> None:
        super().__init__(start_ns)
        self._alarms: list[tuple[int, Callable[[], None]]] = []

    def alarm(self, time_ns: int, call: Callable[[], None]) -> None:
        """Call a function when the clock reaches a time."""
        self._alarms.append((time_ns, call))

    def sleep_until_ns(self, deadline_ns: int) -> None:
        """Advance the time to the deadline, and make the calls that are due."""
        super().sleep_until_ns(deadline_ns)
        due = [entry for entry in self._alarms if entry[0] <= self.now_ns()]
        for entry in due:
            self._alarms.remove(entry)
            entry[1]()


class FaultWorld:
    """The emulated robot, its drivers and their clock.

    Args:
        robot: The robot.
        plant: Name of the plant.
        faults: What breaks.
        offset: How far from the start pose every joint begins, rad, where the plant can.

    Attributes:
        clock: The clock that all share.
        plant: Its mechanics.
        emulated: The robot behind its ports.
        hardware: Its drivers.
    """

    def __init__(
        self, robot: RobotConfig, plant: str, faults: FaultsConfig | None = None, *, offset: float = 0.0
    ) -> None:
        self.clock = AlarmClock(_START_NS)
        self.plant = made = make_plant(plant, robot)
        if isinstance(made, InertiaPlant):
            low, high = zip(*(joint.position_limits for joint in robot.joints.values()), strict=True)
            made.position[:] = (made.position + offset).clip(low, high)
        self.emulated = EmulatedRobot(robot, made, faults, start_ns=_START_NS)
        self.hardware = RobotHardware(robot, lockstep_transports(self.emulated, self.clock), self.clock)

    def elapsed_s(self, time_ns: int | None = None) -> float:
        """Return the time since power-up of now, or of a time of the clock, s."""
        return ((self.clock.now_ns() if time_ns is None else time_ns) - _START_NS) / NS_PER_S

    def time_ns(self, elapsed_s: float) -> int:
        """Return the time of the clock at a time since power-up."""
        return _START_NS + ns_from_s(elapsed_s)
