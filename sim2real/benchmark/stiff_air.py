"""A plant that costs next to nothing: joints without mass in thick air, stepped once a control period."""

import numpy as np

from sim2real.configs.schema.robot import RobotConfig
from sim2real.hardware.emulator.plant import AT_REST
from sim2real.hardware.imu.sample import Motion
from sim2real.hardware.types import Float64Array

_PERIODS = 2.0  # time constant with which a joint follows its target, in steps
_SPEED = 0.9  # of the velocity limit, at the effort limit: no slower, or safety would see joints that do not follow


class StiffAirPlant:
    """Every joint moves with a velocity in proportion to its effort, so a step may be as long as a control period.

    Args:
        robot: The robot; it starts in its default pose.
        timestep_ns: Length of a step, ns.
    """

    def __init__(self, robot: RobotConfig, timestep_ns: int) -> None:
        joints = list(robot.joints.values())
        self.timestep_ns = timestep_ns
        self._dt = timestep_ns * 1e-9
        self.position = np.array([joint.default_position for joint in joints])
        self.velocity = np.zeros(len(joints))
        self._resistance = np.array(
            [
                max(
                    joint.stiffness * _PERIODS * self._dt + 2.0 * joint.damping,
                    joint.effort_limit / (_SPEED * joint.velocity_limit),
                )
                for joint in joints
            ]
        )
        self._low, self._high = np.array([joint.position_limits for joint in joints]).T

    def step(self, effort: Float64Array) -> None:
        """Advance one step; a joint stops at its limits."""
        before = self.position.copy()
        np.clip(before + self._dt * effort / self._resistance, self._low, self._high, out=self.position)
        self.velocity[:] = (self.position - before) / self._dt

    def imu(self, body: str) -> Motion:
        """Return the motion of a body at rest, upright: this plant has no bodies."""
        return AT_REST
