"""The first moments of a robot: what moves within 50 ms of its start, held there by idle actions."""

import math
from dataclasses import asdict, dataclass
from typing import Any, Final

import mujoco
import numpy as np
from mujoco.batch import SimulationError

from sim2real.configs.schema.randomization import RandomizationConfig
from sim2real.configs.schema.robot import RobotConfig
from sim2real.configs.schema.task import ResetConfig, TaskConfig
from sim2real.hardware.types import Indices
from sim2real.simulation.simulation import Simulation

FIRST_MOMENTS_S: Final = 0.05
LINEAR_MAX: Final = 0.5
"""m/s; what starts in its pose and is held there moves slower."""
ANGULAR_MAX: Final = 5.0
"""rad/s, likewise."""


@dataclass(frozen=True)
class RobotStart:
    """Figures of the first moments of a robot."""

    residual: float
    """Largest residual of the model's equalities at the start, m or rad."""
    linear: float
    """Fastest slide or base in the first 50 ms with idle actions, m/s."""
    angular: float
    """Fastest hinge, ball joint or base in the first 50 ms with idle actions, rad/s."""
    fastest: str
    """Joint that moves fastest, as a share of its bound."""
    diverged: bool

    @property
    def lines(self) -> list[str]:
        """What is wrong, one line each; empty if the robot starts at rest."""
        if self.diverged:
            return ["the simulation diverges within 50 ms of the start pose, with idle actions"]
        found = []
        if not self.linear <= LINEAR_MAX:
            found.append(f"{self.fastest} moves at {self.linear:.3g} m/s within 50 ms of the start, with idle actions")
        if not self.angular <= ANGULAR_MAX:
            found.append(
                f"{self.fastest} turns at {self.angular:.3g} rad/s within 50 ms of the start, with idle actions"
            )
        return found

    def document(self) -> dict[str, Any]:
        """Return the figures as plain data."""
        return asdict(self)


def start_of(task: TaskConfig) -> RobotStart:
    """Start a robot in its exact start pose, at rest, and hold it there by idle actions.

    Raises:
        UserError: The robot cannot start.
    """
    still = {"around": "default", "position": ("0 deg", "0 deg"), "velocity": ("0 rad/s", "0 rad/s")}
    exact = task.model_copy(update={"reset": ResetConfig.model_validate(still)})
    simulation = Simulation(exact, RandomizationConfig(name="none"), 1, threads=1)
    simulation.begin(np.zeros(1, np.intp))
    batch, robot = simulation.batch, simulation.robot
    qpos, qvel = batch.bind("qpos"), batch.bind("qvel")
    residual = robot.start.closure.residual(qpos[0].copy())
    speed, diverged = np.zeros(robot.model.nv), False
    for _ in range(math.ceil(FIRST_MOMENTS_S / task.physics.timestep)):
        try:
            batch.step(nstep=1)
        except SimulationError:
            diverged = True
        diverged = diverged or len(simulation.divergence.find(None)) > 0
        if diverged:
            break
        np.maximum(speed, np.abs(qvel[0]), out=speed)
    linear, angular = _linear(robot.model), np.ones(robot.model.nv, np.bool_)
    angular[linear] = False
    shares = np.where(angular, speed / ANGULAR_MAX, speed / LINEAR_MAX)
    return RobotStart(
        residual=residual,
        linear=float(speed[linear].max(initial=0.0)),
        angular=float(speed[angular].max(initial=0.0)),
        fastest=robot.model.joint(int(robot.model.dof_jntid[shares.argmax()])).name,
        diverged=diverged,
    )


def _linear(model: mujoco.MjModel) -> Indices:
    """Return the degrees of freedom that are lengths."""
    found: list[int] = []
    for joint in range(model.njnt):
        kind, first = mujoco.mjtJoint(int(model.jnt_type[joint])), int(model.jnt_dofadr[joint])
        if kind == mujoco.mjtJoint.mjJNT_SLIDE:
            found.append(first)
        elif kind == mujoco.mjtJoint.mjJNT_FREE:
            found += [first, first + 1, first + 2]
    return np.array(found, dtype=np.intp)


def holding_task(robot: RobotConfig, timestep: str = "2 ms") -> TaskConfig:
    """Return a task of a robot that asks for nothing: its actions move the joints about the start pose."""
    by_effort = {joint.mode for joint in robot.joints.values()} == {"current"}
    action = {"target": "effort"} if by_effort else {"target": "position", "scale": "0.3 rad"}
    return TaskConfig.model_validate(
        {
            "name": "hold",
            "robot": robot,
            "control_rate": "50 Hz",
            "episode_duration": "2 s",
            "physics": {"timestep": timestep},
            "observation": [{"term": "joint_position"}, {"term": "joint_velocity"}],
            "action": action,
            "reset": {"around": "default", "position": ("0 deg", "0 deg"), "velocity": ("0 rad/s", "0 rad/s")},
            "rewards": [{"term": "alive", "weight": 1.0}],
            "goal": {"kind": "finish"},
        }
    )
