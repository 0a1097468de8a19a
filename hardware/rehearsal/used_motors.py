"""Rehearses used motors: registers of earlier owners by chance; the robot is opened and holds still for a second.

A trial is one joint, free to turn, whose motor has a history. Either it stays where it is, or something is refused by
name.
"""

import math
from dataclasses import dataclass
from random import Random
from typing import Final

from sim2real.configs.schema.robot import RobotConfig
from sim2real.hardware.clock import VirtualClock
from sim2real.hardware.emulator.lockstep import lockstep_transports
from sim2real.hardware.emulator.plant import InertiaPlant
from sim2real.hardware.emulator.robot import EmulatedRobot
from sim2real.hardware.errors import HardwareError
from sim2real.hardware.families import family_of_bus
from sim2real.hardware.rehearsal.calibration import one_joint
from sim2real.hardware.robot import RobotHardware
from sim2real.hardware.types import JointCommand, JointState

MOVE_MAX: Final = math.radians(1.0)
"""Largest move of a joint that is held, rad."""

_START_NS = 1_000_000_000
_PERIOD_NS = 20_000_000
_TICKS = 50  # 1 s


@dataclass(frozen=True, slots=True)
class Hold:
    """The end of one trial."""

    moved: float
    """Largest distance from where the joint was when the robot was opened, rad; NaN if refused."""
    refusal: str
    """Why it was refused; empty if it was not."""

    @property
    def unasked(self) -> bool:
        """Whether the joint moved, and nobody had asked it to."""
        return not self.refusal and not self.moved <= MOVE_MAX


def rehearse_used_motor(robot: RobotConfig, seed: int) -> Hold:
    """Run one trial with the motor of the robot's first joint; the same seed gives the same trial."""
    draw = Random(seed)  # noqa: S311  # trials by chance, not secrets
    config = one_joint(robot)
    name, joint = next(iter(config.joints.items()))
    plant = InertiaPlant(config)
    plant.position[0] = draw.uniform(*joint.position_limits)
    emulated = EmulatedRobot(config, plant, start_ns=_START_NS)
    family_of_bus(config.buses[joint.bus]).wear(emulated.motors[name], draw)
    clock = VirtualClock(_START_NS)
    hardware = RobotHardware(config, lockstep_transports(emulated, clock), clock)
    state, command = JointState.empty(1), JointCommand.zeros(1)
    command.stiffness[0], command.damping[0] = joint.stiffness, joint.damping
    try:
        hardware.open()
        start = moved = 0.0
        for tick in range(_TICKS):
            clock.sleep_until_ns(clock.now_ns() + _PERIOD_NS)
            emulated.advance_to(clock.now_ns())
            if tick == 0:
                hardware.enable()
                start = float(plant.position[0])
            hardware.read(state)
            if tick == 0:
                command.position[0] = state.position[0]
            hardware.write(command)
            moved = max(moved, abs(float(plant.position[0]) - start))
        return Hold(moved, "")
    except HardwareError as error:
        return Hold(math.nan, str(error))
    finally:
        hardware.close()
