"""What the texts of a robot's first task need to know of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import mujoco
import numpy as np

from sim2real.configs.schema.robot import RobotConfig
from sim2real.model.ground import reach_of
from sim2real.new_robot.stance import BENT
from sim2real.plant import MujocoPlant

STEP_RATE: Final = 2.0
"""Cycles of a gait each second."""
_PULL: Final = 9.81  # m/s²
_FAST: Final = 0.5  # of a motor's velocity limit: what a gait asks of it; the rest is torque
_LIFT: Final = 0.12  # of the height: how far a foot is lifted


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
        """Of a slow walk, m/s: Froude number 0.1, v²/(g·h), and no more than the hips can swing the legs for.

        A foot that is on the ground for half of a cycle comes back in the other half, at π/2·v/l at most.
        """
        walk = float(np.sqrt(0.1 * _PULL * self.height))
        swing = _FAST * self._slowest * self._leg * 2.0 / np.pi if self.walks_by_gait else walk
        return round(min(walk, swing), 2)

    @property
    def lift(self) -> float:
        """How far a foot is lifted, m: a share of the height, and no more than the knees can bend for.

        That of a leg of two equal parts, which has a quarter of a cycle for it and bends at both ends.
        """
        straight, quarter = self._leg / BENT, 0.25 / STEP_RATE
        bent = np.arccos(BENT) + _FAST * self._slowest * quarter / 2.0
        knee = straight * (BENT - np.cos(min(float(bent), np.pi / 2.0)))
        return float(min(_LIFT * self.height, knee))

    @property
    def _slowest(self) -> float:
        """Smallest velocity limit of the joints, rad/s."""
        return min(joint.velocity_limit for joint in self.config.joints.values())

    @property
    def _leg(self) -> float:
        """Height of the legs' first links above their soles in the start pose, m; 0 without feet."""
        model, data = self.plant.model, mujoco.MjData(self.plant.model)
        data.qpos[:] = self.plant.start.qpos
        mujoco.mj_kinematics(model, data)
        heights = []
        for name in self.config.feet:
            geom = int(model.geom(self.config.in_model(name)).id)
            body = int(model.geom_bodyid[geom])
            while model.body_parentid[body] != model.body_rootid[body]:
                body = int(model.body_parentid[body])
            sole = float(data.geom_xpos[geom, 2]) - reach_of(model, data, geom)
            heights.append(float(data.xpos[body, 2]) - sole)
        return float(np.mean(heights)) if heights else 0.0

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
