"""Addresses in MuJoCo's arrays: columns of joints, sensors, bases and delay buffers."""

import math
from dataclasses import dataclass

import mujoco
import numpy as np
import numpy.typing as npt

from sim2real.configs.schema.robot import RobotConfig

Indices = npt.NDArray[np.intp]


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
    joints = [model.joint(name) for name in robot.joints]
    return np.array([joint.qposadr[0] for joint in joints]), np.array([joint.dofadr[0] for joint in joints])


def imu_columns(model: mujoco.MjModel, name: str, group: str) -> Indices:
    """Return the `sensordata` columns of one group of readings of an IMU."""
    sensor = model.sensor(f"{name}/{group}")
    return np.arange(int(sensor.dim[0]), dtype=np.intp) + int(sensor.adr[0])


def columns_of(indices: Indices) -> slice | Indices:
    """Return consecutive indices as a slice, so that indexing gives a view instead of a copy."""
    if len(indices) and (np.diff(indices) == 1).all():
        return slice(int(indices[0]), int(indices[-1]) + 1)
    return indices


def free_base(model: mujoco.MjModel) -> Base | None:
    """Return the first free joint of a model, or None."""
    free = np.flatnonzero(model.jnt_type == mujoco.mjtJoint.mjJNT_FREE)
    if not len(free):
        return None
    joint = int(free[0])
    return Base(int(model.jnt_bodyid[joint]), int(model.jnt_qposadr[joint]), int(model.jnt_dofadr[joint]))


def slide_joint(model: mujoco.MjModel, *, vertical: bool) -> tuple[int, int] | None:
    """Return the qpos and qvel columns of the first vertical (or level) slide joint, judged in the initial state."""
    data = mujoco.MjData(model)
    mujoco.mj_kinematics(model, data)
    for joint in np.flatnonzero(model.jnt_type == mujoco.mjtJoint.mjJNT_SLIDE):
        if (abs(data.xaxis[joint, 2]) > math.sqrt(0.5)) == vertical:
            return int(model.jnt_qposadr[joint]), int(model.jnt_dofadr[joint])
    return None


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
