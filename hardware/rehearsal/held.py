"""A plant whose joints stay where they are put, whatever the torque."""

import numpy as np

from sim2real.configs.schema.robot import RobotConfig
from sim2real.hardware.emulator.plant import AT_REST
from sim2real.hardware.imu.sample import Motion
from sim2real.hardware.types import Float64Array


class HeldPlant:
    """Joints in a vice: `position` (J,) is set from outside, rad."""

    timestep_ns = 1_000_000

    def __init__(self, robot: RobotConfig) -> None:
        self.position = np.zeros(len(robot.joints))
        self.velocity = np.zeros(len(robot.joints))

    def step(self, effort: Float64Array) -> None:
        """Do nothing."""

    def imu(self, body: str) -> Motion:
        """Return the motion of a body at rest."""
        return AT_REST
