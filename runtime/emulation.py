"""The emulated robot in lockstep: in this process, on a virtual clock, faster than real time."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sim2real.configs.schema.robot import RobotConfig
from sim2real.configs.schema.scenario import FaultsConfig
from sim2real.hardware.clock import VirtualClock
from sim2real.hardware.emulator.lockstep import lockstep_transports
from sim2real.hardware.emulator.plant import AUTO_PLANT, Plant, choose_plant, make_plant
from sim2real.hardware.emulator.robot import EmulatedRobot
from sim2real.hardware.robot import RobotHardware

_START_NS = 1_000_000_000  # not zero, so that a stamp or age that is wrongly zero shows


@dataclass(frozen=True)
class Lockstep:
    """An emulated robot in this process, its drivers, and the virtual clock they share."""

    hardware: RobotHardware
    clock: VirtualClock
    emulated: EmulatedRobot
    plant: str

    def snapshot(self) -> dict[str, Any]:
        """Advance the world to the clock's time and return its state as plain data."""
        self.emulated.advance_to(self.clock.now_ns())
        return self.emulated.snapshot()


def lockstep(
    robot: RobotConfig,
    *,
    plant: str = AUTO_PLANT,
    faults: FaultsConfig | None = None,
    seed: int = 0,
    prepare: Callable[[Plant], None] | None = None,
) -> Lockstep:
    """Make an emulated robot in this process.

    Args:
        robot: The robot.
        plant: Name of its mechanics.
        faults: Faults to inject.
        seed: Seed of faults and IMUs, together with the faults' own.
        prepare: Called with the plant before the robot is powered up.

    Raises:
        UserError: No such plant, or it is not installed.
    """
    chosen = choose_plant(plant, robot)
    clock = VirtualClock(_START_NS)
    made = make_plant(chosen, robot)
    if prepare is not None:
        prepare(made)
    emulated = EmulatedRobot(robot, made, faults, seed, start_ns=_START_NS)
    return Lockstep(RobotHardware(robot, lockstep_transports(emulated, clock), clock), clock, emulated, chosen)
