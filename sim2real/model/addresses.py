"""Addresses in MuJoCo's arrays: columns of joints, sensors, bases and delay buffers."""

import math
from dataclasses import dataclass

import mujoco
import numpy as np
import numpy.typing as npt

from sim2real.configs.schema.robot import RobotConfig
from sim2real.hardware.types import Float64Array
from sim2real.hardware.types import Indices as Indices


@dataclass(frozen=True)
class Base:
    """Addresses of a free base."""

    body: int
    qpos: int
    """First of seven columns: position, then quaternion w x y z."""
    dof: int
    """First of six columns: linear velocity in the world frame, then angular velocity in the body frame."""


def joint_addresses(model: mujoco.MjModel, robot: RobotConfig) -> tuple[Indices, Indices]:
    """Return the columns of qpos and qvel of the robot's joints, in joint order."""
    joints = [model.joint(robot.in_model(name)) for name in robot.joints]
    return np.array([joint.qposadr[0] for joint in joints]), np.array([joint.dofadr[0] for joint in joints])


def joint_levers(robot: RobotConfig) -> Float64Array | None:
    """Return the travel of the robot's slides per radian of the motor, (J,), 1 for hinges; None without slides."""
    travels = [joint.travel for joint in robot.joints.values()]
    if all(travel is None for travel in travels):
        return None
    return np.array([1.0 if travel is None else travel for travel in travels])


def imu_columns(model: mujoco.MjModel, name: str, group: str) -> Indices:
    """Return the `sensordata` columns of one group of readings of an IMU."""
    sensor = model.sensor(f"{name}/{group}")
    return np.arange(int(sensor.dim[0]), dtype=np.intp) + int(sensor.adr[0])


def columns_of(indices: Indices) -> slice | Indices:
    """Return consecutive indices as a slice, so that indexing gives a view instead of a copy."""
    if len(indices) and (np.diff(indices) == 1).all():
        return slice(int(indices[0]), int(indices[-1]) + 1)
    return indices


def free_base(model: mujoco.MjModel, robot: RobotConfig) -> Base | None:
    """Return the free joint that carries the robot's first joint, or None; other free bodies are no base."""
    root = int(model.body_rootid[_first_body(model, robot)])
    joint = int(model.body_jntadr[root])
    if joint < 0 or model.jnt_type[joint] != mujoco.mjtJoint.mjJNT_FREE:
        return None
    return Base(root, int(model.jnt_qposadr[joint]), int(model.jnt_dofadr[joint]))


def slide_joint(model: mujoco.MjModel, robot: RobotConfig, *, vertical: bool) -> tuple[int, int] | None:
    """Return the columns in qpos and qvel of the first vertical (or level) slide that carries the robot, without motor.

    Directions are judged in the model's initial state.
    """
    driven = {model.joint(robot.in_model(name)).id for name in robot.joints}
    carrying, body = set(), _first_body(model, robot)
    while body > 0:
        carrying.add(body)
        body = int(model.body_parentid[body])
    data = mujoco.MjData(model)
    mujoco.mj_kinematics(model, data)
    for joint in map(int, np.flatnonzero(model.jnt_type == mujoco.mjtJoint.mjJNT_SLIDE)):
        if joint in driven or int(model.jnt_bodyid[joint]) not in carrying:
            continue
        if (abs(data.xaxis[joint, 2]) > math.sqrt(0.5)) == vertical:
            return int(model.jnt_qposadr[joint]), int(model.jnt_dofadr[joint])
    return None


def _first_body(model: mujoco.MjModel, robot: RobotConfig) -> int:
    return int(model.joint(robot.in_model(robot.joint_names[0])).bodyid[0])


def true_feet(model: mujoco.MjModel, robot: RobotConfig) -> tuple[Indices, Indices]:
    """Return the `sensordata` columns of the true positions and of the true velocities of all feet."""
    positions, velocities = (
        named_sensor_columns(model, [f"{foot}/{kind}" for foot in robot.feet]) for kind in ("position", "velocity")
    )
    return positions, velocities


def named_sensor_columns(model: mujoco.MjModel, names: list[str]) -> Indices:
    """Return the `sensordata` columns of named sensors, concatenated."""
    return sensor_columns(model, np.array([model.sensor(name).id for name in names], dtype=np.intp))


def sensor_columns(model: mujoco.MjModel, ids: Indices) -> Indices:
    """Return the `sensordata` columns of sensors, concatenated."""
    return np.concatenate([np.arange(model.sensor_dim[i]) + model.sensor_adr[i] for i in ids]).astype(np.intp)


def value_columns(
    addresses: npt.NDArray[np.int32], samples: npt.NDArray[np.int32], size: int = 1
) -> npt.NDArray[np.intp]:
    """Return the columns of the values in delay buffers: user, cursor, n times, then n · size values (MuJoCo 4)."""
    count = int(samples[0]) if len(samples) else 0
    return addresses[:, None].astype(np.intp) + 2 + count + np.arange(count * size, dtype=np.intp)
