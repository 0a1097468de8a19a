"""How a robot with a free base stands in its start pose: height of the base, ground, and what touches it."""

from dataclasses import dataclass
from typing import Final

import mujoco
import numpy as np

from sim2real.model.ground import ground_height, lowest_point
from sim2real.new_robot.mjcf import Mjcf, ModelJoint

_TOUCHING: Final = 1e-3  # m, between the lowest point and the ground


@dataclass(frozen=True)
class Standing:
    """The start pose of a free base; all None or False for a fixed one."""

    base: str | None = None
    """Name of the base in the model."""
    keyframe: str | None = None
    height: float | None = None
    """Height at which the lowest point touches the ground, m; None if it does so in the model's pose."""
    in_model: float = 0.0
    """Height in the model's pose, m."""
    adds_ground: bool = False
    """Whether the model has no ground under the base."""


def standing_of(mjcf: Mjcf, joints: tuple[ModelJoint, ...]) -> Standing:
    """Return how a robot stands, with its joints in the model's start pose, kept inside their ranges."""
    base = joints[0].floating_base
    if base is None:
        return Standing(keyframe=mjcf.keyframe)
    model, data = mjcf.model, mujoco.MjData(mjcf.model)
    data.qpos[:] = mjcf.qpos
    for joint in joints:
        if joint.range is not None:
            data.joint(joint.name).qpos[0] = np.clip(joint.position, *joint.range)
    mujoco.mj_kinematics(model, data)
    root = int(model.body_rootid[model.joint(joints[0].name).bodyid[0]])
    ground, lowest = ground_height(model, data, root), lowest_point(model, data, root)
    height = float(data.xpos[root, 2])
    if lowest is None:
        return Standing(base, mjcf.keyframe, None, height, ground is None)
    touching = height - lowest[0] + (ground or 0.0)
    moved = abs(touching - height) > _TOUCHING
    return Standing(base, mjcf.keyframe, touching if moved else None, height, ground is None)
