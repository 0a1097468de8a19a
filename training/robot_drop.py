"""What a robot does when its motors are switched off in its start pose."""

from dataclasses import dataclass
from typing import Final

import mujoco
import numpy as np

from sim2real.configs.schema.robot import RobotConfig
from sim2real.hardware.types import Float64Array
from sim2real.plant import MujocoPlant

DROP_S: Final = 2.0
"""Time that a robot is observed with its motors off."""
_RESTING: Final = 0.05  # rad/s


@dataclass(frozen=True)
class Drop:
    """States of a robot whose motors are off from the start on."""

    model: mujoco.MjModel
    """The plant's."""
    states: Float64Array
    """(k, nq), evenly in time."""
    fastest: float
    """Fastest motor joint, rad/s."""
    settled: float
    """Fastest motor joint in the last quarter, rad/s."""

    @property
    def line(self) -> str:
        """One line for people."""
        rest = "comes to rest" if self.settled < _RESTING else f"still moves at {self.settled:.2g} rad/s"
        return f"with its motors off, it reaches {self.fastest:.3g} rad/s, and after {DROP_S:g} s it {rest}"


def dropped(robot: RobotConfig) -> Drop:
    """Let a robot go in its start pose, with its motors off.

    Raises:
        UserError: The robot cannot start, or its mechanics diverge.
    """
    plant = MujocoPlant(robot)
    steps = round(DROP_S / (plant.timestep_ns * 1e-9))
    none, states, speeds = np.zeros(len(robot.joints)), [plant.data.qpos.copy()], []
    for step in range(1, steps + 1):
        plant.step(none)
        speeds.append(float(np.abs(plant.velocity).max()))
        if step % (steps // 20) == 0:
            states.append(plant.data.qpos.copy())
    return Drop(plant.model, np.array(states), max(speeds), max(speeds[-steps // 4 :]))
