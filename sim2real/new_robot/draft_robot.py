"""What the texts of a robot's first task need to know of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from sim2real.configs.schema.robot import RobotConfig
from sim2real.plant import MujocoPlant

_PULL: Final = 9.81  # m/s²


@dataclass(frozen=True)
class DraftRobot:
    """A robot whose first task is written."""

    config: RobotConfig
    reference: str
    """Robot, as the task names it."""
    height: float
    """Of the base above the ground in the start pose, m; 0 for a fixed base."""
    timestep: int
    """ms"""
    plant: MujocoPlant
    """Its mechanics, in the start pose."""

    @property
    def speed(self) -> float:
        """Of a slow walk, m/s: Froude number 0.1, v²/(g·h)."""
        return round(float(np.sqrt(0.1 * _PULL * self.height)), 2)

    @property
    def walks_by_gait(self) -> bool:
        """Whether it has feet that can step in turn."""
        return len(self.config.feet) >= 2

    @property
    def by_effort(self) -> bool:
        """Whether its motors are driven by effort."""
        return all(joint.mode == "current" for joint in self.config.joints.values())


def task_head(robot: DraftRobot, name: str, said: str, seconds: float) -> Iterator[str]:
    """Yield the lines with which every task begins; seconds is the duration of an episode."""
    yield f"# Draft made by `sim2real new task {robot.reference}`; it trains as it is."
    yield f"name: {name}"
    yield f"description: {said}"
    yield f"robot: {robot.reference}"
    yield "control_rate: 50 Hz"
    yield f"episode_duration: {seconds:g} s"
    yield f"physics: {{timestep: {robot.timestep} ms}} # check: smaller if contacts or light links shake"
