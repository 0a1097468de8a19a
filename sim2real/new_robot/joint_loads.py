"""What the motors of a new robot move and hold: inertia and gravity at every joint, over the range of all joints."""

import math
from dataclasses import dataclass
from typing import Final

import mujoco
import numpy as np

from sim2real.configs.schema.robot import JointConfig, RobotConfig
from sim2real.hardware.families import motor_family
from sim2real.model.addresses import joint_addresses
from sim2real.new_robot.start_values import two_digits
from sim2real.plant import MujocoPlant

GRAVITY_SHARE: Final = 0.7
"""Of the effort limit: with less than the rest, little is left to accelerate, and a motor that holds it gets hot."""

_POSES: Final = 200  # random ones, beside the start pose: the largest value of a six-joint arm is within a few percent
_REACHED: Final = 0.9  # of a damping; registers round


@dataclass(frozen=True)
class JointLoad:
    """Load of one motor, at its output shaft; other joints are held, and so is a floating base."""

    inertia: float
    """Largest inertia over the range, armature included, kg·m²."""
    gravity: float
    """Largest torque of gravity over the range, N·m."""


@dataclass(frozen=True)
class JointDrive:
    """How a motor damps its joint."""

    load: JointLoad
    damping: float
    """N·m·s/rad, rounded down to two digits; 0 or more."""
    why: str
    """Where the damping is from."""


def joint_drives(robot: RobotConfig, plant: MujocoPlant) -> dict[str, JointDrive]:
    """Return the load of every joint, and the damping that fits it."""
    return {name: _drive(robot, robot.joints[name], load) for name, load in joint_loads(robot, plant).items()}


def _drive(robot: RobotConfig, joint: JointConfig, load: JointLoad) -> JointDrive:
    critical, own = critical_damping(joint, load.inertia), held_damping(robot, joint, 0.0)
    why = f"critical for {load.inertia:.2g} kg*m^2"
    damping = critical
    if own > critical:
        damping, why = own, f"the motor's own, more than {why}"
    elif held_damping(robot, joint, critical) < _REACHED * critical:
        damping, why = own, f"the motor's own; its registers do not reach {critical:.2g}, {why}"
    return JointDrive(load, two_digits(damping) if damping > 0.0 else 0.0, why)


def joint_loads(robot: RobotConfig, plant: MujocoPlant) -> dict[str, JointLoad]:
    """Return the load of every joint, from the mass matrix and the bias forces at rest in random poses."""
    model, data = plant.model, mujoco.MjData(plant.model)
    qpos, dof = joint_addresses(model, robot)
    joints = list(robot.joints.values())
    levers = np.array([joint.travel or 1.0 for joint in joints])
    low, high = np.array([joint.position_limits for joint in joints]).T
    inertia, gravity = np.zeros(len(joints)), np.zeros(len(joints))
    mass, bias = np.zeros((model.nv, model.nv)), np.zeros(model.nv)
    share = np.random.default_rng(0).uniform(size=(_POSES, len(joints)))
    start = plant.start.qpos
    for angles in [start[qpos], *((low + share * (high - low)) * levers)]:
        data.qpos[:] = start
        data.qpos[qpos] = angles
        mujoco.mj_kinematics(model, data)
        mujoco.mj_comPos(model, data)
        mujoco.mj_makeM(model, data)
        mujoco.mj_fullM(model, data, mass)
        mujoco.mj_comVel(model, data)
        mujoco.mj_rne(model, data, 0, bias)
        np.maximum(inertia, mass.diagonal()[dof] * levers**2, out=inertia)
        np.maximum(gravity, np.abs(bias[dof] * levers), out=gravity)
    return {
        name: JointLoad(float(own), float(weight))
        for name, own, weight in zip(robot.joints, inertia, gravity, strict=True)
    }


def critical_damping(joint: JointConfig, inertia: float) -> float:
    """Return the damping with which a joint reaches its target soonest without overshoot: 2 √(K I), less friction.

    Args:
        joint: Its stiffness is K, N·m/rad, and the viscous friction of its motor damps already.
        inertia: I at the motor, kg·m².

    Returns:
        N·m·s/rad; 0 where friction alone is more.
    """
    return max(2.0 * math.sqrt(joint.stiffness * inertia) - joint.motor.friction.viscous, 0.0)


def held_damping(robot: RobotConfig, joint: JointConfig, damping: float) -> float:
    """Return what the motor's registers make of a damping, N·m·s/rad; most damp by their back-EMF at least."""
    asked = joint.model_copy(update={"damping": damping})
    highest = robot.safety.voltages_at(joint.supply)[1]
    return motor_family(joint.motor.family).position_law(asked, robot.supply_of(joint).voltage, highest).damping
