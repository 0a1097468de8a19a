"""Robot and task of the gap measurement: the base held in the air or standing, actions that are joint targets."""

from pathlib import Path
from typing import Final, Literal

import mujoco
import numpy as np

from sim2real.benchmark.gap_targets import by_effort
from sim2real.configs.library import shipped
from sim2real.configs.load import load_task
from sim2real.configs.schema.randomization import RandomizationConfig
from sim2real.configs.schema.robot import RobotConfig
from sim2real.configs.schema.start_pose import StartPoseConfig
from sim2real.configs.schema.task import PhysicsConfig, TaskConfig
from sim2real.model.model import load_spec

Base = Literal["fixed", "held", "standing"]
"""fixed: the robot has a fixed base. held: a moving base is welded in the air. standing: a moving base stands on its
feet."""

EXACT: Final = RandomizationConfig(name="gap")
"""The calibrated robot in every episode, with commands rounded to register counts."""
_TRAINED: Final = ("pendulum_swingup", "so101_reach", "quadruped_walk", "hopper_hop")
_PHYSICS, _RATE = PhysicsConfig.model_validate({"timestep": "5 ms"}), 50.0  # for robots without a shipped task
_LIFT: Final = 1.0  # m, out of reach of the ground


def bases(robot: RobotConfig) -> tuple[Base, ...]:
    """Return the bases to measure: held and standing for a moving base, else fixed."""
    return ("held", "standing") if _base_joints(load_spec(robot), robot) else ("fixed",)


def held(robot: RobotConfig, folder: Path) -> RobotConfig:
    """Return the robot with free bases and rails welded in the air, and contacts disabled.

    Contacts, such as a hand on the table, would hide differences of the motors. The model is written into `folder`.
    """
    source = load_spec(robot)
    spec = load_spec(robot)
    for name in ("meshdir", "texturedir"):
        setattr(spec, name, str(Path(source.modelfiledir or ".", getattr(spec, name)).resolve()))
    bodies = {joint.parent.name: joint.parent for joint in _base_joints(spec, robot)}
    for joint in _base_joints(spec, robot):
        spec.delete(joint)
    for body in bodies.values():
        body.pos = np.add(body.pos, (0.0, 0.0, _LIFT))
    for key in list(spec.keys):  # their sizes fit the original model only
        spec.delete(key)
    spec.option.disableflags |= int(mujoco.mjtDisableBit.mjDSBL_CONTACT)
    path = folder / f"{robot.name}.xml"
    spec.compile()
    path.write_text(spec.to_xml(), encoding="utf-8")
    return robot.model_copy(update={"model": str(path), "start": StartPoseConfig()})


def gap_task(robot: RobotConfig, seconds: float) -> TaskConfig:
    """Return a task whose actions are the targets: radians from the default pose, or shares of the effort limit.

    Physics and control rate are those of the robot's shipped task, if there is one.
    """
    trained = [load_task(name) for name in _TRAINED if name in shipped("tasks")]
    like = next((task for task in trained if task.robot.name == robot.name), None)
    action = {"target": "effort"} if by_effort(robot) else {"target": "position", "scale": "1 rad"}
    return TaskConfig.model_validate(
        {
            "name": "gap",
            "robot": robot,
            "control_rate": f"{like.control_rate if like else _RATE} Hz",
            "episode_duration": f"{seconds} s",
            "physics": like.physics if like else _PHYSICS,
            "observation": [{"term": "joint_position"}],
            "action": action,
            "reset": {"around": "default", "position": ("0 rad", "0 rad"), "velocity": ("0 rad/s", "0 rad/s")},
            "rewards": [{"term": "alive", "weight": 1.0}],
            "goal": {"kind": "finish"},
        }
    )


def _base_joints(spec: mujoco.MjSpec, robot: RobotConfig) -> list[mujoco.MjsJoint]:
    """Return the joints that move the base: free joints, and slides without a motor."""
    kinds = (mujoco.mjtJoint.mjJNT_FREE, mujoco.mjtJoint.mjJNT_SLIDE)
    driven = {robot.in_model(name) for name in robot.joints}
    return [joint for joint in spec.joints if joint.type in kinds and joint.name not in driven]
